"""The history of the tables, for Alembic. In: any older database. Out: today's tables. Nothing imports this."""
