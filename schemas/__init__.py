"""Shapes, in the order of the flow: messages in, facts, rows, mutations, outcomes, messages out.

Comes in: JSON. Goes out: frozen pydantic models. The rule of this room: no logic beyond validation,
and nothing of ours is imported from outside it.
"""
