"""What topics say of users, written into the vault's database, from where pages show it.

In: `sync-status`, `sync-results` and the changelog of the users' table. Out: batches for `vault.projection`. The rule of
this room: it reads and never writes a topic, and decides nothing about a calendar.
"""
