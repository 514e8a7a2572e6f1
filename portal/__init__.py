"""The users' page, where a calendar is connected, and the operators' page, where all is seen.

In: browsers. Out: connections in the vault and commands to Kafka. The rule of this room: what it shows it was told by
topics, through the vault; it never touches a table. Of Google it asks what belongs to a consent alone: who it was, a calendar
of its own, and one probe event that it removes again.
"""
