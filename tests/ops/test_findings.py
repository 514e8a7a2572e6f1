"""Checks that are carried out: whatever keeps one from its answer is its answer, but for a bug of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.errors import IllegalStateError, KafkaConnectionError

from ops.findings import Finding, carried_out
from schemas.errors import GoogleUnavailable, OperatorError


def failing(error: Exception) -> Callable[[], object]:
    async def check() -> list[Finding]:
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperatorError("it is so: do that"), "it is so: do that"),
        (GoogleUnavailable("no_answer", "Google is away."), "Google is away."),
        (KafkaConnectionError("x"), "no Kafka answers"),
        (PermissionError(13, "Permission denied", "/state"), "/state: Permission denied"),
    ],
)
async def test_what_keeps_a_check_from_its_answer(error: Exception, said: str) -> None:
    """It has failed, and says by what."""
    (found,) = await carried_out("name", failing(error), 5)  # type: ignore[arg-type]
    assert (found.check, found.outcome) == ("name", "failed")
    assert said in found.said


@pytest.mark.parametrize("error", [RuntimeError("a bug"), IllegalStateError("a bug")])
async def test_a_bug(error: Exception) -> None:
    """It is not dressed up."""
    with pytest.raises(type(error)):
        await carried_out("name", failing(error), 5)  # type: ignore[arg-type]


async def test_a_check_that_takes_too_long() -> None:
    """It ends in its time, even where it does not want to."""

    async def stubborn() -> list[Finding]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)
        return []

    began = asyncio.get_running_loop().time()
    (found,) = await carried_out("name", stubborn, 0.1)
    assert asyncio.get_running_loop().time() - began < 1.4
    assert found.said == "no answer within 0.1 s"
