"""What may go wrong while a lane works, and what becomes of it.

Comes in: work of a lane, and what it raises. Goes out: a pause, or a fact on `user-facts` that tells the user's problem.
Not here: the work. What is not named here is a bug, and ends the worker.

==============================  ========================================================================
raised                          what becomes of it
==============================  ========================================================================
quota exhausted, grant lost,    the user's problem, in the row and in the status
calendar gone, no token,
our own client not admitted
Google or the vault for now     a pause of this lane, growing with every time
closed                          a short pause: no call may begin, for a rebalance or after a freeze
==============================  ========================================================================
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from gcal.backoff import delay
from planning import problems
from schemas.errors import CalendarGone, GoogleForNow, GrantLost, NotAdmitted, OperatorError, QuotaExhausted
from schemas.facts import TroubleFound
from streams.desk import Closed, NoToken
from streams.tables import NotOpen
from vault import TokenUnreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from schemas.facts import Problem, UserFact
    from schemas.rows import UserRow
    from streams.desk import Desk

T = TypeVar("T")

#: How long a lane waits when no call may begin, in seconds; its partition is being given up, or the process was frozen.
CLOSED_S = 0.5


class Patience:
    """When a lane may go on. Failures that come while it waits already are the same trouble, and count once."""

    def __init__(self) -> None:
        self._until = 0.0
        self._failures = 0

    @property
    def left(self) -> float:
        """Return the seconds still to wait; none or less: go on."""
        return self._until - asyncio.get_running_loop().time()

    def hold(self, seconds: float) -> None:
        """Wait at least that long from now."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    def failed(self, retry_after: float | None) -> None:
        """Wait longer than the last time, and as long as Google asks."""
        self._failures += self.left <= 0
        self.hold(delay(self._failures - 1, retry_after, random.random()))  # noqa: S311 - jitter, not a secret

    def succeeded(self) -> None:
        """Begin with short waits again."""
        self._failures = 0

    def forget(self) -> None:
        """Go on at once."""
        self._until, self._failures = 0.0, 0


class Care:
    """One lane's. `wake` has the lane look again."""

    def __init__(self, desk: Desk, key: bytes, wake: Callable[[], None]) -> None:
        self._desk, self._key, self.wake = desk, key, wake
        self.patience = Patience()
        self.closing = False
        self._folded = -1
        self._moved = asyncio.Event()

    def folded(self, offset: int) -> None:
        """Note that the row holds everything up to this offset of `user-facts`."""
        self._folded = max(self._folded, offset)
        self._moved.set()

    def close(self) -> None:
        """Wait for no fold any more: the partition is being given up, and nothing is folded until it is somebody's."""
        self.closing = True
        self._moved.set()

    async def tell(self, fact: UserFact) -> None:
        """Send a fact and wait until the row holds it."""
        offset = await self._desk.tell(self._key, fact)
        del fact  # of a large calendar it is large, and this waits
        while self._folded < offset and not self.closing:
            self._moved.clear()
            await self._moved.wait()

    async def of(self, row: UserRow, work: Awaitable[T]) -> T | None:
        """Do the work; None where something came in between that is taken care of."""
        try:
            return await self._with_problems(row, work)
        except (Closed, NotOpen):
            self.patience.hold(CLOSED_S)
        finally:
            self.wake()
        return None

    async def _with_problems(self, row: UserRow, work: Awaitable[T]) -> T | None:
        # In this order: what is the user's own problem is at the same time one of Google's or the operator's.
        try:
            return await work
        except QuotaExhausted as error:
            await self._found(row, problems.quota_exhausted(error, datetime.now(UTC)))
        except GrantLost as error:
            await self._found(row, problems.grant_lost(error))
        except CalendarGone as error:
            await self._found(row, problems.calendar_gone(error))
        except NoToken:
            await self._found(row, problems.no_token())
        except TokenUnreadable:
            await self._found(row, problems.unreadable_token())
        except GoogleForNow as error:
            self.patience.failed(error.retry_after)
            self._desk.hindered(error)
        except NotAdmitted as error:
            self._desk.hindered(error)
            await self._found(row, problems.not_admitted(error, datetime.now(UTC)))
        except OperatorError as error:
            self.patience.failed(None)
            self._desk.hindered(error)
        return None

    async def _found(self, row: UserRow, problem: Problem) -> None:
        self._desk.forget(row)
        await self.tell_problem(row, problem)

    async def tell_problem(self, row: UserRow, problem: Problem) -> None:
        """Send a problem of this user, and wait until the row holds it."""
        await self.tell(
            TroubleFound(
                agency_id=row.agency_id,
                user_id=row.user_id,
                connected_at=row.connection.connected_at,
                problem=problem,
            )
        )
