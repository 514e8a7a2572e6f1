"""What is read from topics: the newest of each user stands, whatever is read again, late or by somebody else."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from schemas.outputs import LastError, SyncState
from tests.vault.facts import AGENCY, LATER, NOON, Opener, consent, run_sql
from tests.vault.news import RESULTS, STATUS, VIEWS, read, result, status, view
from vault import Applied, Batch, LastResult, ProjectedStatus, Span, Vault, VaultKeysInvalid

ANN = (AGENCY, "ann")


async def state_of(vault: Vault, user: str = "ann") -> str | None:
    """The state that a page would show."""
    found = await vault.projection.status(AGENCY, user)
    return None if found is None else found.status.state


async def counted(vault: Vault) -> int:
    """How many results the histogram holds."""
    minutes = await vault.projection.latency(NOON - timedelta(hours=1))
    return sum(sum(minute.counts) for minute in minutes)


async def test_nothing_was_read(vault: Vault) -> None:
    """Nobody is known, and reading begins wherever the reader likes."""
    assert await vault.projection.positions([STATUS, VIEWS]) == {}
    assert await vault.projection.status(*ANN) is None
    assert await vault.projection.view(*ANN) is None
    assert await vault.projection.last_result(*ANN) is None


async def test_a_batch(vault: Vault) -> None:
    """Status, view and last result come back as they were read, and reading goes on behind them."""
    error = LastError(code="held", message="Too much at once.", what_to_do="Ask.")
    told = status(
        "ann", 4, "paused", pending=12, oldest_pending_at=NOON, last_synced_at=LATER, last_error=error
    )
    applied = await read(vault.projection, told, view("ann", 7, b"\0shifts"), result("ann", 9, 450))
    assert applied == Applied(frozenset({ANN}))
    assert told.value is not None
    assert await vault.projection.status(*ANN) == ProjectedStatus(told.value, told.source.at)
    assert await vault.projection.view(*ANN) == b"\0shifts"
    assert await vault.projection.last_result(*ANN) == LastResult(
        "inserted", NOON + timedelta(seconds=8), 450
    )
    assert await vault.projection.positions([STATUS, VIEWS, RESULTS, "other"]) == {
        (STATUS, 0): 5,
        (VIEWS, 0): 8,
        (RESULTS, 0): 10,
    }


async def test_several_news_of_one_user_in_a_batch(vault: Vault) -> None:
    """The newest stands, in whatever order they are given."""
    await read(
        vault.projection, status("ann", 3, "in_sync"), status("ann", 5, "paused"), status("ann", 4, "syncing")
    )
    await read(vault.projection, view("ann", 2, None), view("ann", 1, b"gone"))
    assert await state_of(vault) == "paused"
    assert await vault.projection.view(*ANN) is None


async def test_a_batch_that_says_nothing_of_interest(vault: Vault) -> None:
    """Reading goes on behind it."""
    assert await vault.projection.apply(
        Batch({(STATUS, 0): Span(0, 40), (STATUS, 1): Span(0, 0)})
    ) == Applied(frozenset())
    assert await vault.projection.positions([STATUS]) == {(STATUS, 0): 40, (STATUS, 1): 0}


async def test_news_that_take_something_away(vault: Vault) -> None:
    """Status and view go; those of others stay."""
    await read(
        vault.projection, status("ann", 0), status("bob", 1), view("ann", 0, b"a"), view("bob", 1, b"b")
    )
    await vault.projection.apply(
        Batch(
            {(STATUS, 0): Span(2, 3), (VIEWS, 0): Span(2, 3)},
            statuses=[status("ann", 2, None)],
            views=[view("ann", 2, None)],
        )
    )
    assert (await state_of(vault), await vault.projection.view(*ANN)) == (None, None)
    assert (await state_of(vault, "bob"), await vault.projection.view(AGENCY, "bob")) == ("in_sync", b"b")


async def test_a_batch_that_is_applied_again(vault: Vault) -> None:
    """Nothing changes and nothing counts twice: a portal that died after the commit reads the same once more."""
    news = (status("ann", 0, "syncing"), result("ann", 0), result("bob", 1))
    await read(vault.projection, *news)
    await read(vault.projection, status("ann", 1, "in_sync"))
    assert await read(vault.projection, *news) == Applied(frozenset())
    assert await state_of(vault) == "in_sync"
    assert await counted(vault) == 2
    assert await vault.projection.positions([STATUS, RESULTS]) == {(STATUS, 0): 2, (RESULTS, 0): 2}


async def test_a_batch_that_overlaps(vault: Vault) -> None:
    """Only what lies behind the position is news."""
    await read(vault.projection, result("ann", 0), result("ann", 1), status("ann", 1, "paused"))
    applied = await read(
        vault.projection, result("ann", 1), result("bob", 2), status("ann", 0, "stopped"), status("cid", 2)
    )
    assert applied.changed == {(AGENCY, "bob"), (AGENCY, "cid")}
    assert await state_of(vault) == "paused"
    assert await counted(vault) == 3


async def test_a_batch_with_a_gap_before_it(vault: Vault) -> None:
    """That partition is left alone and named; the others are taken."""
    await read(vault.projection, status("ann", 9, "syncing"))
    applied = await read(vault.projection, status("ann", 11, "in_sync"), status("bob", 3, partition=1))
    assert applied == Applied(frozenset({(AGENCY, "bob")}), frozenset({(STATUS, 0)}))
    assert await state_of(vault) == "syncing"
    assert await vault.projection.positions([STATUS]) == {(STATUS, 0): 10, (STATUS, 1): 4}


async def test_records_that_compaction_took(vault: Vault) -> None:
    """Are no gap: the batch begins where reading went on."""
    await read(vault.projection, status("ann", 9, "syncing"))
    assert await read(vault.projection, status("ann", 500, "in_sync"), first=10) == Applied(frozenset({ANN}))
    assert await state_of(vault) == "in_sync"


def test_a_batch_with_records_that_it_does_not_cover() -> None:
    """It is refused before anything is written: they would be lost, or counted twice."""
    for span in ({}, {(STATUS, 1): Span(0, 9)}, {(STATUS, 0): Span(0, 5)}, {(STATUS, 0): Span(6, 9)}):
        with pytest.raises(ValueError, match="outside of its positions"):
            Batch(span, statuses=[status("ann", 5)])


async def test_a_user_who_moved_to_another_partition(vault: Vault) -> None:
    """Where offsets cannot be compared the broker's time decides; in doubt, what was read last."""
    await read(vault.projection, status("ann", 100, "syncing", at=NOON))
    await read(vault.projection, status("ann", 0, "in_sync", partition=1, at=LATER))
    await read(vault.projection, status("ann", 101, "paused", at=NOON))
    assert await state_of(vault) == "in_sync"
    await read(vault.projection, status("ann", 102, None, at=NOON))
    assert await state_of(vault) == "in_sync"
    await read(vault.projection, status("ann", 103, "stopped", at=LATER))
    assert await state_of(vault) == "stopped"


async def test_a_topic_that_was_made_anew_under_its_name(vault: Vault) -> None:
    """Rewound, it is read from its beginning; what came from the old one is gone, and a slow reader cannot bring it back."""
    await read(vault.projection, status("ann", 50), status("bob", 51), status("cid", 7, partition=1))
    assert await vault.projection.rewind((STATUS, 0), seen=52)
    assert not await vault.projection.rewind((STATUS, 0), seen=52)
    assert await vault.projection.positions([STATUS]) == {(STATUS, 0): 0, (STATUS, 1): 8}
    assert (await read(vault.projection, status("bob", 52, "paused"))).refused == {(STATUS, 0)}
    assert [await state_of(vault, user) for user in ("ann", "bob", "cid")] == [None, None, "in_sync"]
    await read(vault.projection, status("ann", 0, "stopped"))
    assert await state_of(vault) == "stopped"


async def test_another_app_id(vault: Vault) -> None:
    """What was read from topics of the old one goes, and so do their positions."""
    await read(
        vault.projection, view("ann", 0, b"old"), status("ann", 0), view("bob", 0, b"new", topic="new-log")
    )
    await vault.projection.only([STATUS, RESULTS, "new-log"])
    assert await vault.projection.positions([STATUS, VIEWS, "new-log"]) == {(STATUS, 0): 1, ("new-log", 0): 1}
    assert await vault.projection.view(*ANN) is None
    assert await vault.projection.view(AGENCY, "bob") == b"new"
    assert await state_of(vault) == "in_sync"


async def test_a_batch_that_cannot_be_written(vault: Vault, url: str) -> None:
    """Nothing of it is there, its position neither: it is read again."""
    await run_sql(url, "DROP TABLE latency_minutes")
    with pytest.raises(Exception, match="latency_minutes"):
        await read(vault.projection, status("ann", 0), view("ann", 0, b"x"), result("ann", 0))
    assert await vault.projection.positions([STATUS, VIEWS, RESULTS]) == {}
    assert await state_of(vault) is None


async def test_views_without_keys(vault: Vault, url: str, opened: Opener) -> None:
    """They are never stored open, and the position does not move past them; statuses need no key."""
    keyless = await opened(url)
    with pytest.raises(VaultKeysInvalid, match="SHIFTCAL_VAULT_KEYS"):
        await read(keyless.projection, view("ann", 0, b"x"), status("ann", 0))
    assert await vault.projection.positions([VIEWS, STATUS]) == {}
    await read(keyless.projection, status("ann", 0))
    assert await state_of(keyless) == "in_sync"


async def test_a_view_of_a_key_that_is_gone(
    vault: Vault, url: str, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    """The page does without, and the log says which setting to look at; the next one can be read."""
    await read(vault.projection, view("ann", 0, b"x"))
    other = await opened(url, Fernet.generate_key().decode())
    assert await other.projection.view(*ANN) is None
    assert "SHIFTCAL_VAULT_KEYS" in caplog.text
    await read(other.projection, view("ann", 1, b"y"))
    assert await other.projection.view(*ANN) == b"y"


async def test_a_stolen_table(vault: Vault) -> None:
    """It holds nobody's schedule, and of a result neither calendar nor shift nor event."""
    await read(vault.projection, view("ann", 0, b"Medic 12 Day"), result("ann", 0))
    async with vault._database.reading() as session:
        (sealed,) = (await session.execute(text("SELECT sealed FROM projected_views"))).one()
        kept = (await session.execute(text("SELECT * FROM projected_results"))).mappings().one()
    assert b"Medic" not in bytes(sealed)
    assert len(bytes(sealed)) >= 100
    assert not {"ops", "s0", "bgs0"} & set(kept.values())


async def test_two_portals_that_read_the_same(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """Each in batches of its own, at once: every result counts once, and no status goes back in time."""
    other = await opened(url, key)
    states: tuple[SyncState, ...] = ("syncing", "in_sync", "paused")
    log = [(status(f"u{n % 7}", n, states[n % 3]), result(f"u{n % 7}", n)) for n in range(120)]

    async def reader(portal: Vault, size: int) -> None:
        for begin in range(0, len(log), size):
            await read(portal.projection, *(one for pair in log[begin : begin + size] for one in pair))

    await asyncio.gather(reader(vault, 7), reader(other, 11), reader(other, 13), reader(vault, 40))
    assert await vault.projection.positions([STATUS, RESULTS]) == {(STATUS, 0): 120, (RESULTS, 0): 120}
    assert await counted(vault) == 120
    for user in range(7):
        last = max(n for n in range(120) if n % 7 == user)
        assert await state_of(vault, f"u{user}") == states[last % 3]


async def test_somebody_who_connects_while_batches_are_written(
    vault: Vault, url: str, key: str, opened: Opener
) -> None:
    """Nobody waits long: a batch of five hundred users is a short transaction."""
    worker = await opened(url, key)
    loop = asyncio.get_running_loop()
    waits: list[float] = []

    async def connects() -> None:
        for number in range(20):
            begun = loop.time()
            await worker.store(consent(f"u{number}"), NOON)
            waits.append(loop.time() - begun)

    async def reads() -> None:
        for round_ in range(5):
            news = [
                one
                for n in range(500)
                for one in (status(f"u{n}", round_ * 500 + n), view(f"u{n}", round_ * 500 + n, bytes(5_000)))
            ]
            await read(vault.projection, *news)

    await asyncio.gather(reads(), connects())
    assert len(await worker.connections()) == 20
    assert max(waits) < 2


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_readers(migrated_file: Path, data: st.DataObject) -> None:
    """However many readers cut the log into whatever batches, die and begin again: the end is that of one who reads once."""
    length = data.draw(st.integers(1, 12))
    choices: list[SyncState | None] = ["in_sync", "paused", None]
    users = data.draw(st.lists(st.sampled_from("ab"), min_size=length, max_size=length))
    states = data.draw(st.lists(st.sampled_from(choices), min_size=length, max_size=length))
    log = [status(user, n, state) for n, (user, state) in enumerate(zip(users, states, strict=True))]
    cuts = data.draw(
        st.lists(st.tuples(st.integers(0, length), st.integers(0, length)).map(sorted), max_size=12)
    )

    async def run(folder: str) -> None:
        vault = await Vault.open(f"sqlite+aiosqlite:///{folder}/v.db", [])
        try:
            for begin, end in [(0, 0), *cuts, (0, length)]:
                await vault.projection.apply(Batch({(STATUS, 0): Span(begin, end)}, statuses=log[begin:end]))
            for user in "ab":
                mine = [one.value for one in log if one.user_id == user]
                last = mine[-1] if mine else None
                found = await vault.projection.status(AGENCY, user)
                assert (None if found is None else found.status) == last
        finally:
            await vault.close()

    with tempfile.TemporaryDirectory() as folder:
        copyfile(migrated_file, Path(folder, "v.db"))
        asyncio.run(run(folder))
