"""Decisions: pure functions, one arrow of the flow each.

Comes in: messages, facts and rows of `schemas`. Goes out: facts, rows, mutations, outcomes. The rule of this room: no
`async`, no clock, no random, no I/O; `now` is an argument. It imports `schemas` and nothing else of ours.

=====================  ==================================================================
arrow                  module
=====================  ==================================================================
message -> facts       `intake`, with `cloudevents`, `parsing` and `pieces`
change -> assignment   `shifts`, `publication`
rows -> contribution   `contribution`
fact -> user row       `users`, with `contributed`, `connection`, `verify`, `drift` and
                       `record`
user row -> work       `agenda`, `plan`, with `preferences`, `drift`, `breaker`, `window`,
                       `identity`, `body` and `dress`
answer -> next call    `answers`, with `observation`
user row -> status     `status`
user row -> view       `standing`
outcomes -> results    `results`
user row -> due        `due`
evidence -> sentences  `explain`, with `upkeep`, `grounds` and `progress`
=====================  ==================================================================
"""
