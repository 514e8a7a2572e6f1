"""The operators' page: what waits, where, why, and the two things that an operator may do about it.

In: sessions with the role `operator`. Out: pages, releases and redriven letters, each asked once and written to the audit log
first. The rule of this room: no list shows anybody's schedule; a dead letter's payload stands on the letter's own page alone.
"""
