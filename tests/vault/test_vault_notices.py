"""Telling the host application that a grant is lost: once, again until it arrives, and a day later while it lasts."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from tests.vault.facts import AGENCY, LATER, NOON, TICK, Opener
from vault import Notice, Vault

DAY = timedelta(days=1)


async def due(vault: Vault, now: datetime) -> Notice:
    """The only one that is due."""
    (notice,) = await vault.notices.due(now, 10)
    return notice


async def users_due(vault: Vault, now: datetime, limit: int = 10) -> list[str]:
    """Whose notices are due, in order."""
    return [notice.user_id for notice in await vault.notices.due(now, limit)]


async def test_a_lost_grant(vault: Vault) -> None:
    """It is due at once, with all that has to be said, and not before."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    assert await users_due(vault, NOON - TICK) == []
    notice = await due(vault, NOON)
    assert notice == Notice(notice.id, AGENCY, "ann", "invalid_grant", NOON, number=1, attempts=0)
    assert len(notice.id) > 30


async def test_a_loss_that_is_noticed_again(vault: Vault) -> None:
    """It is the same episode, whoever notices it, when and why."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    first = await due(vault, NOON)
    await vault.notices.delivered(first.id, NOON)
    await vault.notices.raise_(AGENCY, "ann", "insufficient_scope", LATER)
    assert await users_due(vault, NOON + DAY - TICK) == []


async def test_a_reminder(vault: Vault) -> None:
    """It comes a day after what was delivered, with an id of its own, for as long as the episode lasts."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    ids = set()
    for number in range(1, 5):
        at = NOON + (number - 1) * DAY
        assert await users_due(vault, at - TICK) == []
        notice = await due(vault, at)
        assert (notice.number, notice.since) == (number, NOON)
        await vault.notices.delivered(notice.id, at)
        ids.add(notice.id)
    assert len(ids) == 4
    await vault.notices.settle(AGENCY, "ann")
    assert await users_due(vault, NOON + 9 * DAY) == []


async def test_a_notice_that_did_not_arrive(vault: Vault) -> None:
    """It is tried again when its sender says, under the same id, and the tries are counted."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    first = await due(vault, NOON)
    await vault.notices.failed(first.id, LATER, "no answer\0")
    assert await users_due(vault, LATER - TICK) == []
    again = await due(vault, LATER)
    assert (again.id, again.attempts, again.number) == (first.id, 1, 1)
    await vault.notices.delivered(again.id, LATER)
    assert (await due(vault, LATER + DAY)).attempts == 0


async def test_a_sender_that_died(vault: Vault) -> None:
    """What it took along is due again soon, under the same id: whoever received it already can tell."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    first = await due(vault, NOON)
    assert await users_due(vault, NOON + timedelta(minutes=1)) == []
    assert (await due(vault, NOON + timedelta(minutes=2))).id == first.id


async def test_two_senders_at_once(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """Each notice is given to one of them."""
    other = await opened(url, key)
    for number in range(10):
        await vault.notices.raise_(AGENCY, f"u{number}", "invalid_grant", NOON)
    taken = await asyncio.gather(*(one.notices.due(NOON, 3) for _ in range(3) for one in (vault, other)))
    users = [notice.user_id for some in taken for notice in some]
    assert sorted(users) == [f"u{number}" for number in range(10)]


async def test_a_slow_sender(vault: Vault) -> None:
    """What it says of a notice that somebody else has delivered meanwhile changes nothing."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    slow = await due(vault, NOON)
    quick = await due(vault, NOON + timedelta(minutes=2))
    await vault.notices.delivered(quick.id, NOON + timedelta(minutes=2))
    await vault.notices.failed(slow.id, NOON + timedelta(minutes=3), "no answer")
    await vault.notices.delivered(slow.id, NOON + timedelta(hours=5))
    assert await users_due(vault, NOON + DAY) == []
    assert (await due(vault, NOON + DAY + timedelta(minutes=2))).number == 2


async def test_an_episode_that_is_over(vault: Vault) -> None:
    """Settled while it is sent it stays over; the next loss is told at once, under another id."""
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", NOON)
    old = await due(vault, NOON)
    await vault.notices.settle(AGENCY, "ann")
    await vault.notices.settle(AGENCY, "ann")
    await vault.notices.delivered(old.id, NOON)
    assert await users_due(vault, NOON + DAY) == []
    await vault.notices.raise_(AGENCY, "ann", "invalid_grant", LATER)
    await vault.notices.failed(old.id, LATER + DAY, "no answer")
    assert (await due(vault, LATER)).id != old.id


async def test_more_than_asked_for(vault: Vault) -> None:
    """Those that wait longest come first; others' agencies are others."""
    for number, user in enumerate(["cid", "ann", "bob"]):
        await vault.notices.raise_(AGENCY, user, "invalid_grant", NOON + number * TICK)
    await vault.notices.raise_("west", "ann", "invalid_grant", NOON + 9 * TICK)
    assert await users_due(vault, LATER, 2) == ["cid", "ann"]
    await vault.notices.settle("west", "ann")
    assert await users_due(vault, LATER, 2) == ["bob"]


async def test_everybody_whose_episode_lasts(vault: Vault) -> None:
    """They are named with the time since when, delivered or not; who is settled is not among them."""
    assert await vault.notices.open_() == {}
    for number, user in enumerate(["ann", "bob", "cid"]):
        await vault.notices.raise_(AGENCY, user, "invalid_grant", NOON + number * TICK)
    await vault.notices.delivered((await vault.notices.due(NOON, 9))[0].id, NOON)
    await vault.notices.settle(AGENCY, "bob")
    assert await vault.notices.open_() == {(AGENCY, "ann"): NOON, (AGENCY, "cid"): NOON + 2 * TICK}


async def test_two_portals_that_notice_at_once(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """There is one episode, and one of its notices."""
    other = await opened(url, key)
    raised = [
        one.notices.raise_(AGENCY, "ann", "invalid_grant", NOON) for _ in range(3) for one in (vault, other)
    ]
    await asyncio.gather(*raised)
    assert await users_due(vault, NOON) == ["ann"]
