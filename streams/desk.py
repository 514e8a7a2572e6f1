"""What all lanes of a worker share, and what each lane may do only through it.

Comes in: the worker's parts. Goes out: sessions with Google, permits, told facts. Not here: what to do next.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gcal.port import Grant, may_write
from schemas.errors import GrantLost
from streams import codec
from streams.look import look
from streams.tables import NotOpen
from streams.traces import headers
from streams.tracing import Silent
from streams.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from gcal.port import CalendarPort, Page
    from planning.urgency import Place
    from schemas.answers import Answer
    from schemas.facts import CalendarSeen, UserFact
    from schemas.mutations import Call
    from schemas.policy import Policies
    from schemas.rows import UserRow
    from streams.clock import Pulse
    from streams.metrics import Metrics
    from streams.names import Names
    from streams.quota import Permit, Quota
    from streams.repository import Repository
    from streams.sender import Sender
    from streams.traces import Trace
    from streams.tracing import Tracing
    from vault import Connection, TokenToRevoke

log = logging.getLogger(__name__)

_REMEMBERED = 10_000

#: So many lanes ask the vault at a time: it has few connections, and whoever waits for one there for long is turned away.
ASK_AT_ONCE = 4

#: The least time between two log lines about one kind of trouble, in seconds.
COMPLAIN_S = 30.0


class Closed(Exception):
    """No call may begin any more; what was not done is planned again by whoever owns the user next."""


class NoToken(Exception):
    """The vault has no live connection of this user."""


class Tokens(Protocol):
    """What lanes ask of the vault."""

    async def connection(self, agency_id: str, user_id: str) -> Connection | None:
        """Return the user's live connection with its token."""
        ...

    async def release(
        self, agency_id: str, user_id: str, ended_at: datetime, reason: str
    ) -> TokenToRevoke | None:
        """End the connection, and return the token that has to be revoked."""
        ...

    async def revoked(self, token_id: str) -> None:
        """Drop a token that Google has forgotten."""
        ...


@dataclass(frozen=True)
class Session:
    """A connected user's way to Google."""

    grant: Grant
    account: str
    calendar: str

    @property
    def target(self) -> str:
        """Name the Google calendar that is written, whoever it is shared with."""
        return self.account if self.calendar == "primary" else self.calendar


@dataclass
class Desk:
    """The parts that lanes work with."""

    rows: Repository[UserRow]
    policies: Policies
    port: CalendarPort
    vault: Tokens
    quota: Quota
    sender: Sender
    names: Names
    metrics: Metrics
    pulse: Pulse
    fail: Callable[[BaseException], None]
    tracing: Tracing = field(default_factory=Silent)
    turns: Turns = field(default_factory=Turns)
    calls_at_once: int = 4
    paused: bool = True
    #: Facts on `user-facts` that tell what came of lanes' calls, and that are not folded yet.
    reports: int = 0
    _complained: dict[type[Exception], float] = field(default_factory=dict)
    _asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ASK_AT_ONCE))
    _sessions: OrderedDict[tuple[str, str], tuple[datetime | None, Session]] = field(
        default_factory=OrderedDict
    )

    @property
    def may_call(self) -> bool:
        """Say whether a call may begin now.

        A process that was frozen learns late that its users are somebody else's: its own tick is what it can trust.
        """
        return not self.paused and self.pulse.is_fresh()

    def check(self) -> None:
        """Raise `Closed` unless a call may begin now."""
        if not self.may_call:
            raise Closed

    async def session(self, row: UserRow) -> Session:
        """Return the user's way to Google; raises where there is none: no live connection, or one that may not write."""
        if (session := self._known(row)) is None:
            async with self._asking:
                session = self._known(row) or await self._ask(row)
        return session

    def _known(self, row: UserRow) -> Session | None:
        connected_at, session = self._sessions.get((row.agency_id, row.user_id), (None, None))
        return session if connected_at == row.connection.connected_at else None

    async def _ask(self, row: UserRow) -> Session:
        who = (row.agency_id, row.user_id)
        connection = await self.vault.connection(*who)
        if connection is None:
            self.forget(row)
            raise NoToken
        if not may_write(connection.scopes):
            raise GrantLost("insufficient_scope", "The user's consent does not cover calendar events.")
        grant = Grant(*who, connection.refresh_token, connection.connected_at, frozenset(connection.scopes))
        # An account is an e-mail address, whose case says nothing: two spellings share one window.
        account = connection.google_account.strip().lower()
        session = Session(grant, account, connection.google_calendar_id)
        self._sessions[who] = (row.connection.connected_at, session)
        if len(self._sessions) > _REMEMBERED:
            self._sessions.popitem(last=False)
        return session

    async def look(
        self, who: UserRow, read: Callable[[], UserRow], ticket: str, place: Place
    ) -> CalendarSeen:
        """Look at Google for this user; `who` need not hold shifts, `read` returns the row that does."""
        return await look(self, who, read, ticket, place)

    def forget(self, row: UserRow) -> None:
        """Ask the vault again next time, and Google for another access token."""
        self._sessions.pop((row.agency_id, row.user_id), None)
        self.port.forget(row.agency_id, row.user_id)

    @asynccontextmanager
    async def permit(
        self, session: Session, place: Place, again: Permit | None = None
    ) -> AsyncIterator[Permit]:
        """Wait for the right to make one call; one that may not begin after all takes no place in the windows.

        `again`: the permit of a call that was refused, whose place in the order it takes up.
        """
        user = f"{session.grant.agency_id}/{session.grant.user_id}"
        async with self.quota.permit(session.account, place, user, again) as permit:
            try:
                yield permit
            except (Closed, NotOpen):
                permit.unused()
                raise

    async def call(self, session: Session, call: Call) -> Answer:
        """Make one call; a permit is held by whoever calls this."""
        self.check()
        begun = time.perf_counter()
        try:
            answer = await self.port.call(session.grant, session.calendar, call)
        except Exception as error:
            self.metrics.called(call.call, type(error).__name__, time.perf_counter() - begun)
            raise
        self.metrics.called(call.call, answer.answer, time.perf_counter() - begun)
        return answer

    async def list_page(
        self, session: Session, agency_id: str, ended_after: datetime, token: str | None
    ) -> Page:
        """List one page of ours; a permit is held by whoever calls this."""
        self.check()
        begun = time.perf_counter()
        try:
            page = await self.port.list_page(session.grant, session.calendar, agency_id, ended_after, token)
        except Exception as error:
            self.metrics.called("list", type(error).__name__, time.perf_counter() - begun)
            raise
        self.metrics.called("list", "held", time.perf_counter() - begun)
        return page

    def hindered(self, error: Exception) -> None:
        """Count what keeps lanes waiting, and log it once in a while: an outage concerns thousands of them at once."""
        self.metrics.hindered(type(error).__name__)
        now = time.monotonic()
        if now - self._complained.get(type(error), -COMPLAIN_S) >= COMPLAIN_S:
            self._complained[type(error)] = now
            fields = {"decision": "lanes_wait", "reason": str(getattr(error, "code", type(error).__name__))}
            log.warning("lanes wait: %s", error, extra=fields)

    async def hand_over(self, key: bytes, fact: UserFact) -> Awaitable[object]:
        """Send a fact about a user, and return its delivery."""
        return await self.sender.send(self.names.user_facts, key, codec.encode(fact))

    async def tell(self, key: bytes, fact: UserFact, of: Sequence[Trace | None] = ()) -> int:
        """Send a fact about a user, wait for its delivery, and return its offset; `of`: whose traces its parts belong to."""
        told = await self.sender.deliver(self.names.user_facts, key, codec.encode(fact), headers(of))
        return int(told.offset)
