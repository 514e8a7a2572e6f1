"""How fast it is, measured on a real Kafka with Google's stand-in: `python -m bench`.

Comes in: names of scenarios. Goes out: a table, and JSON in `bench/results/`. Not here: tests; nothing fails for being slow.
"""
