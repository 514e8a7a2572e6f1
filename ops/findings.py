"""What a check of `doctor` found, and how checks are carried out: each within its time, whatever a host does.

In: checks. Out: findings, in order. Not here: what is checked, and how it is shown.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from aiokafka.errors import KafkaError

from schemas.errors import GoogleError, OperatorError
from streams.failures import kafka_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Check = Callable[[], Awaitable[Sequence["Finding"]]]

Outcome = Literal["ok", "warning", "failed", "skipped"]

#: So long a check may take to end once it is told to, in seconds; then it is left behind.
_GRACE_S: Final = 1.0


class Finding(NamedTuple):
    """What one check came to. `what_to_do` is empty where nothing is to be done, or where `said` tells it."""

    check: str
    outcome: Outcome
    said: str
    what_to_do: str = ""


async def carried_out(name: str, check: Check, seconds: float) -> list[Finding]:
    """Carry out one check; whatever kept it from an answer is its answer."""
    task = asyncio.ensure_future(check())
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_GRACE_S)
        return [
            Finding(
                name,
                "failed",
                f"no answer within {seconds:g} s",
                "check the address, that its host runs, and the network between; --timeout SECONDS waits for longer",
            )
        ]
    try:
        return list(task.result())
    except (OperatorError, GoogleError) as error:
        return [Finding(name, "failed", str(error))]
    except KafkaError as error:
        if (line := kafka_line(error, "the address given")) is None:
            raise
        return [Finding(name, "failed", line)]
    except OSError as error:
        return [Finding(name, "failed", f"{error.filename or 'the system'}: {error.strerror or error}")]


def skipped(names: Sequence[str], why: str) -> list[Finding]:
    """Say of checks that they were not made."""
    return [Finding(name, "skipped", why) for name in names]
