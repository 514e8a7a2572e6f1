"""A shadow: a worker that consumes beside the live group, and publishes the calls that it would make.

Comes in: the input topics, the live group's users' rows, the connections' database. Goes out: records on topics of its own
group, and nothing else: no call to Google, no change in the database, no record on a topic of the live group. Not here:
the comparison (`streams.comparing`).

It begins by folding all input topics, as any group without state does, and takes over from the live group's rows what no
input holds: what stands at Google. Its first calls are hence those that a worker of this release, with these policies,
would make in the live group's place. From then on it believes that its own calls were made, and looks at its own rows.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import SecretStr

from gcal.port import Grant, may_write
from gcal.shadow_port import ShadowCalendars
from planning.believed import believed
from schemas.errors import GrantLost, OperatorError
from schemas.facts import Inherited
from schemas.rows import UserRow
from streams import codec, logs, serve
from streams.desk import Desk, NoToken, Session
from streams.errors import RuntimeRefused
from streams.flow import is_rebuilt
from streams.kafka import Pipeline
from streams.lookup import looking
from streams.lost_state import NEW_APP_ID
from streams.membership import membership
from streams.reach import shadow_names_of
from streams.worker import Worker
from vault import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AsyncExitStack

    from aiohttp import TraceConfig

    from planning.urgency import Place
    from schemas.facts import CalendarSeen
    from schemas.policy import Policies
    from streams.sender import Sender
    from streams.settings import Settings
    from vault import Connection, Known, TokenToRevoke

log = logging.getLogger(__name__)

BEGIN_ANEW = "begin a new shadow: `shiftcal topics create --shadow` and `shiftcal worker --shadow` with a new SHIFTCAL_SHADOW_APP_ID"


def run(settings: Settings, policies: Policies, *, accept_truncated_history: bool = False) -> None:
    """Run a shadow in this process until SIGTERM or SIGINT."""
    logs.configure(settings)
    own = settings.model_copy(update={"state_dir": Path(f"{settings.state_dir}-shadow")})
    with membership(own.state_dir, own.instance_id) as instance_id:
        worker = Worker(own, policies, instance_id, Shadow(own))
        try:
            serve.run(worker.run(accept_truncated_history=accept_truncated_history))
        except RuntimeRefused as refused:
            # What cures the live group would set up another one: of a shadow nothing is lost that a new one does not have.
            raise OperatorError(str(refused).replace(NEW_APP_ID, BEGIN_ANEW)) from refused


class ShadowTokens:
    """The connections as they stand; no token is read, and none is erased."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def known(self, agency_id: str, user_id: str) -> Known | None:
        """Return the user's newest connection, ended or not."""
        return await self._reading.connection(agency_id, user_id)

    async def connection(self, agency_id: str, user_id: str) -> Connection | None:
        """Refuse: a shadow has no use for a token."""
        raise TypeError(f"a shadow reads no token, that of {agency_id}/{user_id} neither")

    async def release(
        self, agency_id: str, user_id: str, ended_at: datetime, reason: str
    ) -> TokenToRevoke | None:
        """Leave the erasing to the live group; nothing has to be revoked."""
        del agency_id, user_id, ended_at, reason
        return None

    async def revoked(self, token_id: str) -> None:
        """Refuse: a shadow has revoked nothing."""
        raise TypeError(f"a shadow revokes no token, {token_id} neither")


class ShadowDesk(Desk):
    """Sessions without tokens, and looks at the rows."""

    async def session(self, row: UserRow) -> Session:
        """Return which calendar would be written; raises where a live worker would have no way to it.

        The live group goes on meanwhile: that a token is erased by now does not say that it was not there when the message
        came that is folded here. An ending is carried out where the connection before it was.
        """
        if row.connection.state != "connected" and row.connection.target is not None:
            return _session(row, row.connection.target, "primary", ())
        known = await cast("ShadowTokens", self.vault).known(row.agency_id, row.user_id)
        connected_at = row.connection.connected_at
        if known is None or not (known.live or connected_at is None or known.connected_at >= connected_at):
            raise NoToken
        if not may_write(known.scopes):
            raise GrantLost("insufficient_scope", "The user's consent does not cover calendar events.")
        return _session(row, known.google_account.strip().lower(), known.google_calendar_id, known.scopes)

    async def look(
        self, who: UserRow, read: Callable[[], UserRow], ticket: str, place: Place
    ) -> CalendarSeen:
        """Look at the row."""
        _ = place  # nothing is asked, so nobody waits
        session = await self.session(who)
        return believed(read(), session.target, ticket, datetime.now(UTC))


def _session(row: UserRow, account: str, calendar: str, scopes: Sequence[str]) -> Session:
    at = row.connection.connected_at or datetime.now(UTC)
    grant = Grant(row.agency_id, row.user_id, SecretStr(""), at, frozenset(scopes))
    return Session(grant, account, calendar)


class Shadow:
    """The `Outside` of a shadow."""

    desk = ShadowDesk
    tokens: ShadowTokens

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.names = shadow_names_of(settings)
        self.port = ShadowCalendars()

    async def open(
        self, stack: AsyncExitStack, check: Callable[[], None], traces: Sequence[TraceConfig]
    ) -> None:
        """Reach the database, to read who is connected; refuses where there is no live group to compare with."""
        del check, traces
        live = self.names.of_live
        async with looking(self._settings, [live.rebuild]) as lookup:
            if not await is_rebuilt(lookup, live):
                raise OperatorError(
                    f"the live group {live.app_id} has no complete state yet: start a shadow once a worker of it is ready"
                )
        log.info(
            "a shadow of group %s: no call is made, they are told to %s", live.app_id, self.names.results
        )
        reading = await Reading.open(self._settings.database_url.get_secret_value())
        stack.push_async_callback(reading.close)
        self.tokens = ShadowTokens(reading)

    async def tell_what_no_input_holds(self, sender: Sender) -> None:
        """Tell what the live group knows of Google, user by user."""
        changelog, count = self.names.of_live.changelog("users"), 0
        pipeline = Pipeline()
        async with looking(self._settings, [changelog]) as lookup:
            for partition in lookup.all_of(changelog):
                found = await lookup.rows(changelog, lambda _: True, [partition])
                for key, data in found.items():
                    fact = _inherited(codec.decode(UserRow, data))
                    await pipeline.take(await sender.send(self.names.user_facts, key, codec.encode(fact)))
                count += len(found)
        await pipeline.flush()
        log.info("took over what group %s knows of %d users", self.names.of_live.app_id, count)

    def works(self, sender: Sender) -> Sequence[Coroutine[None, None, None]]:
        """Nothing: announcements and revocations are the live group's."""
        del sender
        return ()


def _inherited(row: UserRow) -> Inherited:
    """Return the fact of a row, without what upstream wants: that is folded from the inputs."""
    wanted = {name: wish.model_copy(update={"wishes": {}}) for name, wish in row.calendars.items()}
    slim = row.model_copy(update={"calendars": wanted, "open": {}, "status": None})
    return Inherited(
        agency_id=row.agency_id, user_id=row.user_id, row=slim.model_dump_json(exclude_defaults=True)
    )
