"""What the operators' page asks: who is in which state, whose change waits longest, how long changes take."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.outputs import CausedBy
from tests.vault.facts import AGENCY, LATER, NOON, TICK, consent
from tests.vault.news import lost, read, repair, result, status, view
from vault import LATENCY_BOUNDS_MS, LatencyMinute, Person, Vault

MINUTE = timedelta(minutes=1)


async def people(vault: Vault) -> None:
    """Five users of two agencies; two of them have connections."""
    await read(
        vault.projection,
        status("ann", 0, "syncing", pending=3, oldest_pending_at=LATER),
        status("Bob", 1, "in_sync"),
        lost("cid", 2),
        status("50%_off", 3, "in_sync"),
        status("ann", 4, "paused", "west", pending=1, oldest_pending_at=NOON),
    )
    await vault.store(consent("ann", "Ann.Lee@Example.com"), NOON)
    await vault.store(consent("cid", "team@example.com"), NOON)


async def found(vault: Vault, **question: object) -> list[str]:
    """The keys of those who are found."""
    seen = await vault.projection.search(**question)  # type: ignore[arg-type] # whatever a test asks
    return [f"{one.status.agency_id}/{one.status.user_id}" for one in seen]


@pytest.mark.parametrize(
    ("question", "users"),
    [
        ({}, {"metro-ems/50%_off", "metro-ems/Bob", "metro-ems/ann", "metro-ems/cid", "west/ann"}),
        ({"agency": "west"}, {"west/ann"}),
        ({"agency": "nobody"}, set()),
        ({"state": "in_sync"}, {"metro-ems/50%_off", "metro-ems/Bob"}),
        ({"state": "paused", "agency": AGENCY}, set()),
        ({"text": "AN"}, {"metro-ems/ann", "west/ann"}),
        ({"text": "lee@example"}, {"metro-ems/ann"}),
        ({"text": "%"}, {"metro-ems/50%_off"}),
        ({"text": "_"}, {"metro-ems/50%_off"}),
        ({"text": "'; DROP TABLE projected_statuses; --"}, set()),
        ({"text": ""}, {"metro-ems/50%_off", "metro-ems/Bob", "metro-ems/ann", "metro-ems/cid", "west/ann"}),
        ({"text": "a", "state": "syncing", "agency": AGENCY}, {"metro-ems/ann"}),
    ],
)
async def test_a_search(vault: Vault, question: dict[str, object], users: set[str]) -> None:
    """It finds those whom all of the question fits, and takes its text as it stands."""
    await people(vault)
    assert set(await found(vault, **question)) == users


@pytest.mark.parametrize("odd", ["\0", "\ud800", "a\0nn", "'", "\\", "x" * 100_000])
async def test_whatever_somebody_asks_for(vault: Vault, odd: str) -> None:
    """It is nobody's, in any question that a page asks; the text of an address is no reason to fail."""
    await people(vault)
    assert await found(vault, text=odd) == []
    assert await found(vault, agency=odd) == []
    assert set(await found(vault, after=(odd, odd))) <= set(await found(vault))
    assert await vault.projection.status(odd, "ann") is None
    assert await vault.projection.view(AGENCY, odd) is None
    assert await vault.projection.last_result(odd, odd) is None
    assert await vault.projection.repairs(AGENCY, "ann", odd) == {}
    assert await vault.projection.oldest(odd) is None
    assert await vault.connection_info(AGENCY, odd) is None
    assert await vault.connections(odd) == []
    assert await vault.connection(odd, odd) is None
    assert not await vault.uses_account(odd)
    assert await vault.preferences.get(odd, odd) is None
    assert await vault.audit.newest(9, agency=odd) == []
    assert await vault.sessions.get(odd, NOON) is None
    await vault.notices.settle(odd, odd)


async def test_a_search_page_by_page(vault: Vault) -> None:
    """Everybody is met once, in the order in which one page would have them."""
    await people(vault)
    whole = await found(vault)
    pages: list[str] = []
    after: Person | None = None
    while page := await vault.projection.search(after=after, limit=2):
        assert len(page) <= 2
        pages += [f"{one.status.agency_id}/{one.status.user_id}" for one in page]
        after = (page[-1].status.agency_id, page[-1].status.user_id)
    assert pages == whole
    assert len(pages) == 5


async def test_who_has_one_trouble(vault: Vault) -> None:
    """Those whose last error is this one, page by page; nobody else."""
    await people(vault)
    assert await vault.projection.troubled("held") == []
    (cid,) = await vault.projection.troubled("invalid_grant")
    assert cid.status.user_id == "cid"
    assert await vault.projection.troubled("invalid_grant", after=(AGENCY, "cid")) == []


async def test_the_google_account(vault: Vault) -> None:
    """It is shown where the vault knows one."""
    await people(vault)
    ann = await vault.projection.status(AGENCY, "ann")
    bob = await vault.projection.status(AGENCY, "Bob")
    assert ann is not None
    assert bob is not None
    assert (ann.google_account, bob.google_account) == ("Ann.Lee@Example.com", None)


async def test_users_by_state(vault: Vault) -> None:
    """Each agency's states are counted apart, and nobody's is not there."""
    assert await vault.projection.counts() == {}
    await people(vault)
    assert await vault.projection.counts() == {
        (AGENCY, "syncing"): 1,
        (AGENCY, "in_sync"): 2,
        (AGENCY, "needs_reauthorization"): 1,
        ("west", "paused"): 1,
    }


async def test_whose_change_waits_longest(vault: Vault) -> None:
    """Of all, or of one agency; nobody's where nothing waits."""
    assert await vault.projection.oldest() is None
    await people(vault)
    longest, here = await vault.projection.oldest(), await vault.projection.oldest(AGENCY)
    assert longest is not None
    assert here is not None
    assert (longest.status.agency_id, here.status.user_id) == ("west", "ann")
    await read(vault.projection, status("ann", 5), status("ann", 6, "in_sync", "west"))
    assert await vault.projection.oldest() is None


async def test_latency(vault: Vault) -> None:
    """Each change counts in the minute in which Google answered, in the bucket that reaches up to its time."""
    at = NOON.replace(second=30, microsecond=0)
    top = len(LATENCY_BOUNDS_MS)
    await read(
        vault.projection,
        result("ann", 0, 0, at=at),
        result("ann", 1, 100, at=at),
        result("bob", 2, 101, at=at),
        result("ann", 3, 3_600_001, at=at + MINUTE, action="deleted"),
        result("ann", 4, 2**40, at=at + MINUTE),
        result("ann", 5, None, at=at),
        result("ann", 6, 50, at=at, action="refused", error="no"),
    )
    first, second = await vault.projection.latency(NOON - timedelta(hours=1))
    assert first == LatencyMinute(at.replace(second=0), (2, 1) + (0,) * (top - 1))
    assert second == LatencyMinute(at.replace(second=0) + MINUTE, (0,) * top + (2,))
    assert await vault.projection.latency(second.minute) == [second]
    assert await vault.projection.latency(second.minute + TICK) == []


async def test_latency_over_several_batches(vault: Vault) -> None:
    """Counts add up."""
    for offset in range(5):
        await read(vault.projection, result("ann", offset, 700, at=NOON))
    (minute,) = await vault.projection.latency(NOON - MINUTE)
    assert minute.counts == (0, 0, 0, 5, *(0,) * (len(LATENCY_BOUNDS_MS) - 3))


async def test_what_a_command_repaired(vault: Vault) -> None:
    """It is counted by kind, over batches, read twice or not; what a schedule's change caused is nobody's repair."""
    schedule = CausedBy(topic="t-schedule-changed", partition=0, offset=1, event_id="e-1", occurred_at=NOON)
    first = (
        repair("ann", 0),
        repair("ann", 1),
        repair("ann", 2, action="patched"),
        repair("ann", 3, "e-2"),
        repair("ann", 4, caused_by=schedule),
        repair("bob", 5),
        result("ann", 6),
    )
    await read(vault.projection, *first)
    await read(vault.projection, *first)
    await read(vault.projection, repair("ann", 7))
    assert await vault.projection.repairs(AGENCY, "ann", "e-1") == {"inserted": 3, "patched": 1}
    assert await vault.projection.repairs(AGENCY, "ann", "e-2") == {"inserted": 1}
    assert await vault.projection.repairs(AGENCY, "ann", "e-3") == {}
    await vault.tidy(NOON + timedelta(hours=25))
    assert await vault.projection.repairs(AGENCY, "ann", "e-1") == {}


@pytest.mark.parametrize("event_id", ["", "nul \0", "".join(chr(0x4E00 + n) for n in range(5_000))])
async def test_a_command_with_an_odd_event_id(vault: Vault, event_id: str) -> None:
    """Whoever sent it is free to: no database may stop at it, since the portal would never read past it."""
    await read(vault.projection, repair("ann", 0, event_id), repair("bob", 1))
    assert await vault.projection.repairs(AGENCY, "ann", event_id) == {"inserted": 1}
    assert await vault.projection.repairs(AGENCY, "bob", "e-1") == {"inserted": 1}


async def test_tidying(vault: Vault) -> None:
    """Minutes that nobody plots go, and results of people of whom there is nothing else; nobody else's."""
    await read(vault.projection, status("ann", 0), view("ann", 0, b"x"), result("ann", 0), result("gone", 1))
    await vault.tidy(NOON + timedelta(hours=23))
    assert await vault.projection.last_result(AGENCY, "gone")
    await vault.tidy(NOON + timedelta(hours=25))
    assert await vault.projection.last_result(AGENCY, "gone") is None
    assert await vault.projection.last_result(AGENCY, "ann")
    assert await vault.projection.status(AGENCY, "ann")
    assert await vault.projection.view(AGENCY, "ann") == b"x"
    assert await vault.projection.latency(NOON - timedelta(hours=1)) == []
