"""The host application is told of who has to connect again: once, and daily while it lasts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from portal import notices
from portal.notices import FIRST_WAIT, LONGEST_WAIT, Notifier, waited
from portal.projecting.freshness import Freshness
from portal.webhook import signature, verify
from schemas.outputs import SyncStatus
from streams.settings import Settings, SettingsError, load_settings
from tests.portal.operators.receiver import KEY, Receiver, receiving
from tests.portal.operators.world import AGENCY, ANN, BOB, eventually, lost, open_vault, status
from vault import Batch, NewConnection, News, Source, Span, Vault

NOON = datetime.now(UTC).replace(microsecond=0)


class Town:
    """A vault, a receiver, a portal's notifier, and a clock to turn."""

    def __init__(
        self, settings: Settings, vault: Vault, receiver: Receiver, session: aiohttp.ClientSession
    ) -> None:
        self.settings, self.vault, self.receiver = settings, vault, receiver
        self._session = session
        self._offset = 0
        self.now = NOON
        receiver.now = lambda: self.now
        self.notifier = self.another()

    def another(self) -> Notifier:
        """One more portal."""
        return Notifier(self.settings, self.vault, Freshness(), lambda: self.now)

    async def say(self, *statuses: SyncStatus, ago: timedelta = timedelta(0)) -> None:
        """Statuses are projected."""
        news: list[News[SyncStatus | None]] = []
        first = self._offset
        for one in statuses:
            source = Source("sync-status", 0, self._offset, self.now - ago)
            news.append(News(one.agency_id, one.user_id, source, one))
            self._offset += 1
        await self.vault.projection.apply(Batch({("sync-status", 0): Span(first, self._offset)}, news))

    async def connect(self, user: str = ANN) -> None:
        """The user connects (again)."""
        new = NewConnection(AGENCY, user, f"{user}@example.com", SecretStr("token"), ("calendar.events",))
        assert (await self.vault.store(new, self.now)).applied

    async def round(self, notifier: Notifier | None = None) -> None:
        """One round of a portal."""
        await (notifier or self.notifier).round(self._session)

    async def after(self, **later: float) -> None:
        """A round some time later."""
        self.now += timedelta(**later)
        await self.round()

    async def asked(self) -> int:
        """How many requests have come."""
        return len(self.receiver.requests)

    async def look(self) -> list[tuple[str, int]]:
        """The same, for whoever waits."""
        return self.told

    def trouble(self) -> str | None:
        """Why the last notice was not taken."""
        return self.notifier.trouble

    @property
    def told(self) -> list[tuple[str, int]]:
        """Whom the host application knows of, and the number of the reminder."""
        return [(one["user_id"], one["reminder"]) for one in self.receiver.told.values()]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Nobody is lost yet. One database will do: what is kept about notices is tested on each in tests/vault."""
    async with receiving() as receiver:
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{tmp_path}/vault.db",
            vault_keys=Fernet.generate_key().decode(),
            notify_url=receiver.url,
            notify_key=KEY,
        )
        vault = await open_vault(settings)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            yield Town(settings, vault, receiver, session)
        await vault.close()


async def test_a_grant_that_ends(town: Town) -> None:
    """The host application is told who, why and what to do, in a signed request."""
    await town.say(lost(), status(BOB))
    await town.round()
    assert town.told == [(ANN, 0)]
    headers, body = town.receiver.requests[0]
    assert verify(headers, body, KEY, town.now)
    assert headers["Content-Type"] == "application/json"
    (said,) = town.receiver.told.values()
    assert said == {
        "id": headers["Idempotency-Key"],
        "event": "reconnect_needed",
        "agency_id": AGENCY,
        "user_id": ANN,
        "reason": "invalid_grant",
        "message": "The access was taken back.",
        "what_to_do": "Connect again.",
        "since": town.now.isoformat().replace("+00:00", "Z"),
        "reminder": 0,
    }


async def test_nothing_else_happens(town: Town) -> None:
    """Rounds go by, another portal looks, the same status comes again: it was said."""
    await town.say(lost())
    await town.round()
    await town.say(lost(), lost(code="insufficient_scope"))
    await town.round(town.another())
    await town.after(hours=23)
    assert town.told == [(ANN, 0)]
    assert len(town.receiver.requests) == 1


async def test_a_day_later_and_another(town: Town) -> None:
    """A reminder a day, with an id of its own."""
    await town.say(lost())
    await town.round()
    for _ in range(30):
        await town.after(hours=2)
    assert town.told == [(ANN, 0), (ANN, 1), (ANN, 2)]
    assert len(town.receiver.requests) == 3


@pytest.mark.parametrize("state", ["in_sync", "syncing", "stopped", "deactivated"])
async def test_somebody_who_is_back_or_gone(town: Town, state: str) -> None:
    """No reminder any more."""
    await town.say(lost())
    await town.round()
    await town.say(status(state=state))
    await town.after(days=2)
    assert town.told == [(ANN, 0)]


async def test_somebody_who_is_back_before_it_was_said(town: Town) -> None:
    """What could not be delivered in time is not said at all."""
    town.receiver.moods = [500, 204]
    await town.say(lost())
    await town.round()
    await town.say(status())
    await town.after(days=1)
    assert town.told == []
    assert len(town.receiver.requests) == 1


async def test_lost_again(town: Town) -> None:
    """Another loss is another notice, at once, though the first was said an hour ago."""
    await town.say(lost())
    await town.round()
    await town.say(status())
    await town.after(minutes=30)
    await town.say(lost())
    await town.after(minutes=30)
    assert town.told == [(ANN, 0), (ANN, 0)]


async def test_lost_again_while_no_portal_ran(town: Town) -> None:
    """The connect in between is known by its time."""
    await town.connect()
    await town.say(lost())
    await town.round()
    town.now += timedelta(minutes=10)
    await town.connect()
    town.now += timedelta(minutes=10)
    await town.say(lost())
    await town.round()
    assert town.told == [(ANN, 0), (ANN, 0)]


async def test_a_connect_of_this_moment(town: Town) -> None:
    """A status from before it is no loss of it."""
    await town.connect()
    await town.say(lost(), ago=timedelta(seconds=5))
    await town.round()
    assert town.told == []
    town.now += timedelta(seconds=5)
    await town.say(lost())
    await town.round()
    assert town.told == [(ANN, 0)]


@pytest.mark.parametrize("mood", [500, 404, 401, 301, "hang", "lose"])
async def test_a_host_application_that_does_not_take_it(
    town: Town, mood: int | str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again later, under the same id, until it is taken; the receiver sees one notice."""
    town.receiver.moods = [mood, mood, 204]
    await town.say(lost())
    await town.round()
    assert town.trouble() is not None
    await town.after(seconds=9)
    assert len(town.receiver.requests) == 1
    await town.after(seconds=5)
    assert len(town.receiver.requests) == 2
    await town.after(minutes=2)
    assert town.told == [(ANN, 0)]
    assert len({headers["Idempotency-Key"] for headers, _ in town.receiver.requests}) == 1
    assert town.trouble() is None
    assert "was not taken" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "second", [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"garbage", b"\0" * 70_000]
)
async def test_a_host_application_that_answers_twice(town: Town, second: bytes) -> None:
    """Its first answer counts, for this notice and for the next one on the same connection."""
    users: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                users.append(json.loads(await reader.readexactly(length))["user_id"])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + second)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        where = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        odd = Notifier(
            town.settings.model_copy(update={"notify_url": where}), town.vault, Freshness(), lambda: town.now
        )
        for user in (ANN, BOB):
            await town.say(lost(user))
            await town.round(odd)
        await town.round(odd)
    assert users == [ANN, BOB]


async def test_a_host_application_that_is_away(town: Town) -> None:
    """Nobody listens there: as any other failure."""
    gone = town.settings.model_copy(update={"notify_url": "http://127.0.0.1:1/hook"})
    await town.say(lost())
    away = Notifier(gone, town.vault, Freshness(), lambda: town.now)
    await town.round(away)
    assert away.trouble is not None
    assert "cannot be reached" in away.trouble
    await town.after(minutes=1)
    assert town.told == [(ANN, 0)]


async def test_a_host_application_that_asks_for_time(town: Town) -> None:
    """Retry-After is kept to."""
    town.receiver.moods, town.receiver.headers = [429, 204], {"Retry-After": "600"}
    await town.say(lost())
    await town.round()
    await town.after(minutes=9)
    assert town.told == []
    await town.after(minutes=4)
    assert town.told == [(ANN, 0)]


async def test_two_portals_at_once(town: Town) -> None:
    """One of them says it."""
    users = [f"u{n}" for n in range(20)]
    await town.say(*map(lost, users))
    await asyncio.gather(town.round(), town.round(town.another()), town.round(town.another()))
    assert sorted(user for user, _ in town.told) == sorted(users)
    assert len(town.receiver.requests) == 20


async def test_a_portal_that_dies_on_the_way(town: Town) -> None:
    """What it had taken along is said by the next one, under the same id."""
    town.receiver.moods = ["hang", 204]
    await town.say(lost())
    dying = asyncio.create_task(town.round())
    assert await eventually(town.asked, lambda count: count == 1) == 1
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    town.now += timedelta(minutes=3)
    await town.round(town.another())
    assert town.told == [(ANN, 0)]
    assert len({headers["Idempotency-Key"] for headers, _ in town.receiver.requests}) == 1


async def test_hundreds_at_once(town: Town) -> None:
    """Everybody's is sent, each once."""
    users = [f"u{n:03}" for n in range(300)]
    await town.say(*map(lost, users))
    await town.round()
    assert sorted(user for user, _ in town.told) == users


async def test_a_projection_that_is_late(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said as long as who is lost may be back by now."""
    monkeypatch.setattr(notices, "ROUND_S", 0.05)
    freshness = Freshness()
    notifier = Notifier(town.settings, town.vault, freshness)
    # `run` goes by the real clock, and the receiver takes nothing that is minutes old.
    town.now = datetime.now(UTC)
    await town.say(lost())
    running = asyncio.create_task(notifier.run())
    await asyncio.sleep(0.3)
    assert town.told == []
    freshness.looked(0, datetime.now(UTC))
    assert await eventually(town.look, bool) == [(ANN, 0)]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def test_a_signature_of_somebody_else() -> None:
    """Another key, another body, another time, an old request: each is refused."""
    stamp = str(int(NOON.timestamp()))
    good = {"Shiftcal-Timestamp": stamp, "Shiftcal-Signature": f"v1={signature(KEY, stamp, b'{}')}"}
    assert verify(good, b"{}", KEY, NOON)
    assert not verify(good, b"{}", "another secret", NOON)
    assert not verify(good, b"{ }", KEY, NOON)
    assert not verify(good, b"{}", KEY, NOON + timedelta(minutes=6))
    assert not verify(good | {"Shiftcal-Timestamp": str(int(stamp) + 1)}, b"{}", KEY, NOON)
    assert not verify({}, b"{}", KEY, NOON)


def test_how_long_it_waits() -> None:
    """Twice as long each time, an hour at most, a little apart from each other; longer where it is asked for."""
    waits = [waited(n, None, 0) for n in range(12)]
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT
    assert waited(0, None, 0.999) < 1.2 * FIRST_WAIT
    assert waited(0, timedelta(minutes=10), 0) == timedelta(minutes=10)
    assert waited(5000, timedelta(days=30), 0) == timedelta(days=1)


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "SHIFTCAL_NOTIFY_KEY: is needed"), ("short", "SHIFTCAL_NOTIFY_KEY: expected a secret")],
)
def test_an_address_without_a_good_key(monkeypatch: pytest.MonkeyPatch, key: str, said: str) -> None:
    """The program does not start, and says which setting is wrong."""
    monkeypatch.setenv("SHIFTCAL_NOTIFY_URL", "https://host.example.com/hook")
    monkeypatch.setenv("SHIFTCAL_NOTIFY_KEY", key)
    with pytest.raises(SettingsError, match=said) as error:
        load_settings()
    assert key == "" or key not in str(error.value).split()
