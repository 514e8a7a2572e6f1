"""Drills: everything that docs/runbook.md names is broken for real, seen by a real Prometheus, and repaired as it says.

In: a real Kafka, `prometheus` on the PATH. Out: how long each alert took to come and to go, as a table. `make drill` runs them:
they take the time that the rules' windows take, so no other run of the tests collects them (files are named `drill_*.py`).
"""
