"""What Google, grants and the vault do to a lane: it waits, tells, and goes on; others never notice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gcal.backoff import delay
from planning import problems
from schemas.errors import (
    CalendarGone,
    GoogleUnavailable,
    GrantLost,
    OperatorError,
    QuotaExhausted,
    RateLimited,
    ShiftcalError,
)
from schemas.facts import Connected
from streams import care, limits
from tests.streams.lane_world import AGENCY, World, id_of, world_of
from vault import TokenUnreadable, Vault, VaultUnavailable

DAY = {"1": "Day"}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are noted at their length, and last a thousandth of it."""
    noted: list[float] = []

    def short(attempt: int, retry_after: float | None, random: float) -> float:
        noted.append(delay(attempt, retry_after, random))
        return noted[-1] / 1_000

    for waits in (care, limits):
        monkeypatch.setattr(waits, "delay", short)
    return noted


@pytest.fixture
async def world(tmp_path: Path, pauses: list[float]) -> AsyncIterator[World]:
    """Ann and Bob are connected, Ann with one shift."""
    async with world_of(tmp_path) as world:
        world.shift("ann", "1", "Day")
        await world.connect("ann")
        await world.connect("bob")
        await world.settled()
        world.google.calls.clear()
        yield world


FOR_NOW = (
    RateLimited("rateLimitExceeded", "Too many."),
    GoogleUnavailable("status 503", "Google is away."),
    OperatorError("Somebody has to put something right."),
)


@pytest.mark.parametrize("error", FOR_NOW, ids=lambda e: type(e).__name__)
async def test_trouble_that_lasts_a_while(world: World, pauses: list[float], error: ShiftcalError) -> None:
    """The call is tried again after ever longer pauses, and made in the end."""
    world.google.troubles["ann"] = error
    world.shift("ann", "1", "Night")
    await world.until(lambda: len(pauses) >= 5)
    assert [int(pause) for pause in pauses[:5]] == [1, 2, 4, 8, 16]
    world.google.troubles.clear()
    await world.settled()
    assert world.calendar("ann") == {"1": "Night"}
    assert world.state("ann") == "in_sync"


async def test_four_calls_that_fail_together(world: World, pauses: list[float]) -> None:
    """They are one trouble: the pause does not grow with the number of calls under way."""
    world.google.troubles["ann"] = FOR_NOW[1]
    world.google.door.clear()
    world.shifts("ann", {f"{n}": ("Day", 24.0 + n) for n in range(4)})
    await world.until(lambda: len(world.google.writes()) == 4)
    world.google.door.set()
    await world.until(lambda: len(pauses) == 4)
    assert all(pause <= 2 for pause in pauses)
    world.google.troubles.clear()
    await world.settled()
    assert len(world.calendar("ann")) == 4


async def test_google_names_the_pause_itself(world: World, pauses: list[float]) -> None:
    """What Google asks for is a least wait."""
    world.google.memory.fail(RateLimited("rateLimitExceeded", "Too many.", 30.0))
    world.shift("ann", "1", "Night")
    await world.settled()
    assert 30 <= pauses[0] < 31
    assert world.calendar("ann") == {"1": "Night"}


@pytest.mark.parametrize(("title", "end"), [("Night", {"1": "Night"}), (None, {})])
async def test_an_answer_lost_after_google_had_done_it(
    world: World, title: str | None, end: dict[str, str]
) -> None:
    """The call is repeated, finds itself done, and nothing stands twice."""
    world.google.memory.fail(GoogleUnavailable("timeout", "No answer."), after_commit=True)
    world.shift("ann", "1", title)
    await world.settled()
    assert world.calendar("ann") == end
    assert len(world.google.memory.google.standing("ann")) == len(end)


async def test_a_lost_answer_to_an_insert(world: World) -> None:
    """The event that stands there already is adopted."""
    world.google.memory.fail(GoogleUnavailable("timeout", "No answer."), after_commit=True)
    world.shift("ann", "2", "Late")
    await world.settled()
    assert world.calendar("ann") == {"1": "Day", "2": "Late"}
    assert world.google.calls == [("ann", "insert"), ("ann", "insert"), ("ann", "get")]
    assert world.actions()[-1] == ("2", "adopted")


async def test_an_event_that_its_user_altered(world: World) -> None:
    """A change costs one refused patch, one read and one patch."""
    world.google.memory.google.alter("ann", id_of("1"), {"summary": "Mine", "colorId": "7"})
    world.shift("ann", "1", "Night")
    await world.settled()
    assert [kind for _, kind in world.google.calls] == ["patch", "get", "patch"]
    event = world.google.memory.google.standing("ann")[id_of("1")]
    assert (event["summary"], event["colorId"]) == ("Night", "7")


async def test_one_user_in_trouble(world: World) -> None:
    """Others are written meanwhile."""
    world.google.troubles["ann"] = FOR_NOW[1]
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.google.calls)
    for n in range(3):
        world.shift("bob", f"{n}", "Day")
    await world.until(lambda: len(world.calendar("bob")) == 3)
    assert world.calendar("ann") == DAY
    world.google.troubles.clear()
    await world.settled()


async def test_an_account_at_its_own_limit(tmp_path: Path) -> None:
    """Others are written meanwhile."""
    async with world_of(tmp_path, account=5) as world:
        await world.connect("ann")
        await world.connect("bob")
        await world.settled()
        world.shifts("ann", {f"{n}": ("Day", 48.0 + n) for n in range(20)})
        await world.until(lambda: world.quota.waiting)
        world.shift("bob", "b", "Day")
        await world.until(lambda: world.calendar("bob"))
        assert len(world.calendar("ann")) == 3
        assert set(world.calendar("ann")) == {"0", "1", "2"}


async def test_the_quota_of_a_calendar_is_exhausted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user is parked and told so; the lane ends, comes back by itself, and writes the difference."""
    monkeypatch.setattr(problems, "PARKED", timedelta(seconds=0.3))
    world.google.troubles["ann"] = QuotaExhausted("quotaExceeded", "Hours.")
    world.shifts("ann", {f"{n}": ("Night", 24.0 + n) for n in range(1, 9)})
    await world.until(lambda: world.state("ann") == "paused: quotaExceeded")
    await world.until(lambda: len(world.lanes) == 0)
    calls = len(world.google.calls)
    world.google.troubles.clear()
    world.shift("ann", "1", "Late")
    await world.quietly(0.1)
    assert len(world.google.calls) == calls
    await world.until(lambda: len(world.calendar("ann")) == 8)
    await world.settled()
    assert world.calendar("ann")["1"] == "Late"
    assert world.state("ann") == "in_sync"


async def test_refused_writes_among_those_of_others(tmp_path: Path, pauses: list[float]) -> None:
    """They stand where they stood, all of them, and go before those that came after them; each is made once."""
    async with world_of(tmp_path, at_once=1) as world:
        for user in ("ann", "bob", "cyd"):
            await world.connect(user)
        await world.settled()
        world.google.calls.clear()
        world.google.memory.fail(RateLimited("userRateLimitExceeded", "Too many."))
        world.google.latency = 0.005
        for user in ("ann", "bob", "cyd"):
            world.shifts(user, {f"{user}{n}": ("Day", 48.0) for n in range(8)})
            await world.until(lambda: world.quota.waiting or world.google.under_way)
        await world.settled()
        assert len(world.google.writes()) == 3 * 8 + 1
        assert all(len(world.calendar(user)) == 8 for user in ("ann", "bob", "cyd"))
        assert len(pauses) == 1


async def test_refused_write_that_waits_for_one_that_came_later(tmp_path: Path, pauses: list[float]) -> None:
    """It goes before the rest of those that came after it, though its user had a turn already."""
    async with world_of(tmp_path, at_once=1) as world:
        for user in ("ann", "bob"):
            await world.connect(user)
        await world.settled()
        world.google.calls.clear()
        world.google.memory.fail(RateLimited("userRateLimitExceeded", "Too many."))
        world.google.latency = 0.03
        world.shift("ann", "a", "Day", 48.0)
        await world.until(lambda: world.google.calls)
        world.shifts("bob", {f"b{n}": ("Day", 48.0) for n in range(4)})
        await world.settled()
        assert [user for user, _ in world.google.calls] == ["ann", "bob", "ann", "bob", "bob", "bob"]


async def test_write_that_changes_while_it_is_refused(world: World, pauses: list[float]) -> None:
    """What goes in the end is the newest wish."""
    world.google.troubles["ann"] = RateLimited("userRateLimitExceeded", "Too many.")
    world.shift("ann", "1", "Night")
    await world.until(lambda: pauses)
    world.shift("ann", "1", "Late")
    await world.until(world.is_folded)
    world.google.troubles.clear()
    calls = len(world.google.calls)
    await world.settled()
    assert len(world.google.calls) - calls <= 1 + 1  # one may have been under way
    assert world.calendar("ann") == {"1": "Late"}


LOST = (
    (GrantLost("invalid_grant", "Connect again."), "needs_reauthorization: invalid_grant"),
    (CalendarGone("notFound", "Gone."), "stopped: calendar_gone"),
)


@pytest.mark.parametrize(("error", "state"), LOST, ids=["grant", "calendar"])
async def test_trouble_that_only_the_user_can_end(world: World, error: ShiftcalError, state: str) -> None:
    """Nothing is called until the user connects again; then one look and one net difference are made."""
    world.google.troubles["ann"] = error
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.state("ann") == state)
    await world.settled()
    world.google.calls.clear()
    for title in ("Late", "Later"):
        world.shift("ann", "1", title)
    await world.settled()
    assert world.google.calls == []
    world.google.troubles.clear()
    await world.connect("ann")
    await world.settled()
    assert world.calendar("ann") == {"1": "Later"}
    assert world.google.calls == [("ann", "list"), ("ann", "patch")]
    assert world.state("ann") == "in_sync"


async def test_a_grant_lost_while_looking(world: World) -> None:
    """It is told as well as one lost while writing."""
    world.google.troubles["ann"] = LOST[0][0]
    world.resync("ann")
    await world.until(lambda: world.state("ann") == LOST[0][1])
    await world.settled()


async def test_a_connect_without_a_token(world: World) -> None:
    """The user has to connect again, and is called for nothing until then."""
    world.shift("cyd", "1", "Day")
    world.tell(Connected(agency_id=AGENCY, user_id="cyd", cause=world.cause(world.tick())))
    await world.settled()
    assert world.state("cyd") == "needs_reauthorization: no_token"
    assert world.google.calls == []


async def test_a_token_that_no_key_decrypts(tmp_path: Path, pauses: list[float]) -> None:
    """The user is told; it is not tried again and again."""
    async with world_of(tmp_path) as world:
        await world.connect("ann")
        await world.settled()
        other = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db", [Fernet.generate_key().decode()])
        try:
            with pytest.raises(TokenUnreadable):
                await other.connection(AGENCY, "ann")
            world.desk.vault = other
            world.desk.forget(world.row("ann"))
            world.shift("ann", "1", "Day")
            await world.settled()
        finally:
            await other.close()
        assert world.state("ann") == "needs_reauthorization: token_unreadable"
        assert world.google.writes() == []
        assert pauses == []


class _Away:
    """A vault whose database is away for the first few questions."""

    def __init__(self, vault: Vault, times: int) -> None:
        self._vault, self.left = vault, times

    async def connection(self, agency_id: str, user_id: str) -> object:
        self.left -= 1
        if self.left >= 0:
            raise VaultUnavailable("The database is away.")
        return await self._vault.connection(agency_id, user_id)


async def test_a_vault_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane waits for it, and the user hears of nothing."""
    away = _Away(world.vault, 3)
    monkeypatch.setattr(world.desk, "vault", away)
    world.desk.forget(world.row("ann"))
    world.shift("ann", "1", "Night")
    await world.settled()
    assert away.left < 0
    assert world.calendar("ann") == {"1": "Night"}
    assert world.state("ann") == "in_sync"


async def test_a_new_connect_during_a_long_pause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for what was wrong with the connection before."""
    monkeypatch.setattr(care, "delay", lambda *_: 3_600.0)
    world.google.memory.fail(GoogleUnavailable("status 503", "Google is away.", 3_600.0))
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.google.calls)
    await world.quietly()
    assert world.calendar("ann") == DAY
    await world.connect("ann")
    await world.settled()
    assert world.calendar("ann") == {"1": "Night"}


async def test_a_new_connect_with_another_account_than_the_refused_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Google asked of the account before is no matter of the new one."""
    monkeypatch.setattr(limits, "delay", lambda *_: 3_600.0)
    world.google.memory.fail(RateLimited("rateLimitExceeded", "Too many.", 3_600.0))
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.google.calls)
    await world.quietly()
    assert world.calendar("ann") == DAY
    await world.connect("ann", "ann.new")
    await world.settled()
    assert world.calendar("ann.new") == {"1": "Night"}


async def test_a_bug_in_a_call(world: World) -> None:
    """The worker ends: nobody swallows what nobody expected."""
    world.google.troubles["ann"] = ZeroDivisionError("a bug")
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.failed)
    assert isinstance(world.failed[0], ZeroDivisionError)


async def test_a_bug_in_a_look(world: World) -> None:
    """The worker ends."""
    world.google.troubles["ann"] = ZeroDivisionError("a bug")
    world.resync("ann")
    await world.until(lambda: world.failed)
    assert isinstance(world.failed[0], ZeroDivisionError)


async def test_an_outcome_that_kafka_refuses_for_good(world: World) -> None:
    """The worker ends: what Google has done must not be forgotten in silence."""
    world.log.error = RuntimeError("the record is too large")
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.failed)
    assert isinstance(world.failed[0], RuntimeError)


async def test_the_end_of_a_parking_that_no_message_marks(world: World) -> None:
    """A lane that finds its user parked asks for a time to come back, and holds no task meanwhile."""
    world.google.troubles["ann"] = QuotaExhausted("quotaExceeded", "Hours.")
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.state("ann") == "paused: quotaExceeded")
    await world.settled()
    (timer,) = world.lanes._timers.values()
    problem = world.row("ann").connection.problem
    assert problem is not None
    assert problem.until is not None
    assert problem.until > datetime.now(UTC) + timedelta(hours=1)
    assert not timer.cancelled()
