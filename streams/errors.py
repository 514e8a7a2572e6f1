"""Reasons for the runtime to stop, each one clear line for a person.

Not here: errors of messages, users or Google; those belong to the rooms that meet them.
"""

from __future__ import annotations

from schemas.errors import OperatorError


class RuntimeRefused(OperatorError):
    """The worker must not run, or must not go on, as things stand; the text says why and what to do."""


class StateUnusable(RuntimeRefused):
    """The state directory is full, damaged, or cannot be written; what is in it may not be trusted."""


class DeliveryFailed(RuntimeRefused):
    """A record could not be delivered for good; the event that caused it stays unacked."""


class ContinuityBroken(RuntimeRefused):
    """An agent was handed an offset that jumps over records it has not seen."""


class FormatTooNew(RuntimeRefused):
    """A newer release wrote it, in a format that this one does not know."""


class NotOurs(Exception):
    """A row of a partition that became somebody else's while this process was frozen; it was not sent, which is no failure."""
