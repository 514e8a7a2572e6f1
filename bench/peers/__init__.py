"""What somebody would run instead: each peer reads the same messages and writes into the same stand-in.

Comes in: the path of a job (`common.Job`). Goes out: events in Google calendars. The rule here: a peer is a process of its own,
imports nothing of the product, and uses its library as that library's documentation advises. None has durable state, none knows
publications, re-assignments or deletes: the load holds none, and a worker without state could not tell whose shift it was.
"""
