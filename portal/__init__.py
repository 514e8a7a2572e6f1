"""The users' page, where a calendar is connected, and the operators' page, where all is seen.

In: browsers. Out: connections in the vault and commands to Kafka. The rule of this room: it never calls Google
Calendar and never touches a table; what it shows it was told by topics and by the vault.
"""
