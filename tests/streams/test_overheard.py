"""What Kafka's client says while somebody listens: kept off the log, and heard again by everybody afterwards."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from itertools import permutations

import pytest

from streams.overheard import listening

LOG = logging.getLogger("aiokafka")


@pytest.mark.parametrize("ends", list(permutations(range(3))))
def test_several_who_listen_at_once(ends: tuple[int, ...], caplog: pytest.LogCaptureFixture) -> None:
    """In whatever order they end: each hears what comes meanwhile, and the log is as it was once all are done."""
    before = (LOG.level, LOG.propagate, list(LOG.handlers))
    stacks = [ExitStack() for _ in range(3)]
    heard = [stack.enter_context(listening()) for stack in stacks]
    LOG.error("not for the log: %s", OSError("gone"))
    for number in ends:
        assert isinstance(heard[number].cause, OSError)
        stacks[number].close()
    assert (LOG.level, LOG.propagate, list(LOG.handlers)) == before
    assert "not for the log" not in caplog.text
    LOG.error("for everybody")
    assert "for everybody" in caplog.text
