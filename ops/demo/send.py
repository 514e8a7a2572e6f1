"""`demo --send`: the demo's people and its month, for a Kafka, a database and a stand-in that run already.

In: settings, a stand-in that answers. Out: three people connected, their month sent and published, calendars as worked out from it,
and an exit status. Not here: workers, which must run elsewhere; the story with its buttons (`page`).
May be told again: versions come from the clock, so the newest telling wins, and a month that stands there already costs no call.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import orjson
from pydantic import SecretStr

from ops import vaults
from ops.console import complain
from ops.demo.stage import dentist
from sandbox.data import AGENCY, Upstream
from sandbox.expected import differences, expected, ours
from sandbox.google import RemoteStandIn
from sandbox.google.scopes import EVENTS
from sandbox.month import PEOPLE, TIME_ZONE
from schemas.errors import OperatorError
from streams.codec import key
from streams.kafka import sending
from streams.outbox import send_announcements
from streams.reach import names_of
from vault import NewConnection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.data import Message
    from streams.settings import Settings
    from vault import Vault

LATE_S: Final = 300.0
"""Workers may have just been started, and wait for each other first."""
_POLL_S: Final = 0.25
_TOLD: Final = 10


async def send(settings: Settings) -> int:
    """Send everything and wait; 0 once all calendars are in step, and where calls go to Google itself."""
    if settings.google_api_url == type(settings).model_fields["google_api_url"].default:
        print(
            "SHIFTCAL_GOOGLE_API_URL is Google itself: the demo's people have no accounts there, so nothing was sent",
            flush=True,
        )
        return 0
    async with RemoteStandIn(settings.google_api_url) as google:
        if not await google.answers():
            raise OperatorError(
                "no stand-in for Google answers at SHIFTCAL_GOOGLE_API_URL: start `python -m sandbox.google` there,"
                " with --name for the name that it is asked under"
            )
        return await _play(settings, google)


async def _play(settings: Settings, google: RemoteStandIn) -> int:
    names = names_of(settings)
    topics = {name: names.topic(name) for name in ("schedule-changed", "calendar-published", "sync-commands")}
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    upstream = Upstream(today, version=int(time.time()))
    messages = [*upstream.rosters(), *upstream.publish()]
    async with vaults.opened(settings) as vault, sending(settings, list(topics.values())) as sender:
        begun = time.monotonic()
        new = await _connect(vault, google)
        await send_announcements(vault, sender, names)
        for topic, value in messages:
            await sender.deliver(topics[topic], key(AGENCY, value["calendar_id"]), orjson.dumps(value))
    print(f"{new} people connected, their month sent and published; waiting for the workers ...", flush=True)
    return await _in_step(google, messages, begun)


async def _connect(vault: Vault, google: RemoteStandIn) -> int:
    """Have everybody consent who is not connected, or of whose consent the stand-in knows nothing any more."""
    grants = await google.grants()
    live = {info.user_id for info in await vault.connections(AGENCY) if info.state == "live"}
    lacking = [one for one in PEOPLE if one.user_id not in live or not grants.get(one.account)]
    for person in lacking:
        token = await google.connect(person.account, TIME_ZONE)
        if person.account not in grants:
            await google.add_event(person.account, dentist(datetime.now(ZoneInfo(TIME_ZONE)).date()))
        new = NewConnection(AGENCY, person.user_id, person.account, SecretStr(token), (EVENTS,))
        await vault.store(new, datetime.now(UTC))
    return len(lacking)


async def _in_step(google: RemoteStandIn, messages: Iterable[Message], begun: float) -> int:
    """Wait until every calendar shows what follows from the messages, and nothing else of ours."""
    accounts = {person.user_id: person.account for person in PEOPLE}
    wanted = expected(messages, accounts)
    while True:
        actual = {account: ours(await google.events(account)) for account in accounts.values()}
        wrong = list(differences(wanted, actual))
        took = time.monotonic() - begun
        if not wrong:
            count = sum(len(events) for events in actual.values())
            print(f"in step: {count} events on {len(actual)} calendars after {took:.1f} s", flush=True)
            return 0
        if took > LATE_S:
            break
        await asyncio.sleep(_POLL_S)
    for line in wrong[:_TOLD]:
        complain(line)
    complain(
        f"not in step after {LATE_S:.0f} s, {len(wrong)} differences: see that workers run, and what `shiftcal status` says"
    )
    return 1
