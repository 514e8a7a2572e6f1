"""Google Calendar and Google's OAuth, through aiogoogle.

In: mutations and tokens. Out: outcomes, listings, and errors sorted by who is wrong. The rule of this room: it speaks
Google's language and nobody else's; no Kafka, no database, no waiting for quota.
"""
