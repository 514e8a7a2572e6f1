"""Kafka: settings, topics, tables, agents, lanes and quota.

In: messages of the input topics. Out: calls to Google, results and statuses. The rule of this room: it moves facts
and never decides what a calendar should hold; an `if` about calendars belongs in `planning`.
"""
