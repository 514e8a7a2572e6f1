"""What a user's commands repaired, and short questions about one connection."""

from __future__ import annotations

from datetime import timedelta

from schemas.outputs import CausedBy
from tests.vault.facts import AGENCY, LATER, NOON, consent
from tests.vault.news import RESULTS, read, result, status
from vault import Erased, Vault
from vault.projection import KEPT


def cause(event_id: str, topic: str = "prefix-sync-commands") -> CausedBy:
    """The message behind a change."""
    return CausedBy(topic=topic, partition=0, offset=7, event_id=event_id, occurred_at=NOON)


async def test_what_a_command_repaired(vault: Vault) -> None:
    """Counted by kind, over batches, each result once however often it is read; what a schedule caused is none of it."""
    mine, other = cause("e1"), cause("e2")
    first = [
        result("ann", 1, caused_by=mine),
        result("ann", 2, caused_by=mine, action="patched"),
        result("ann", 3, caused_by=other),
        result("ann", 4, caused_by=cause("e1", "schedule-changed")),
        result("ann", 5),
    ]
    await read(vault.projection, *first)
    await read(vault.projection, *first, result("ann", 6, caused_by=mine), result("ann", 7, caused_by=mine))
    assert await vault.projection.repairs(AGENCY, "ann", "e1") == {"inserted": 3, "patched": 1}
    assert await vault.projection.repairs(AGENCY, "ann", "e2") == {"inserted": 1}
    assert await vault.projection.repairs(AGENCY, "ann", "e3") == {}
    assert await vault.projection.repairs(AGENCY, "bob", "e1") == {}


async def test_repairs_are_kept_for_a_day(vault: Vault) -> None:
    """Then nobody asks any more; they go with the person, too."""
    await read(vault.projection, result("ann", 1, caused_by=cause("e1")), status("ann", 1))
    await vault.projection.tidy(NOON + KEPT - timedelta(minutes=1))
    assert await vault.projection.repairs(AGENCY, "ann", "e1") == {"inserted": 1}
    await vault.projection.tidy(NOON + KEPT + timedelta(minutes=1))
    assert await vault.projection.repairs(AGENCY, "ann", "e1") == {}
    await read(vault.projection, result("ann", 2, caused_by=cause("e2")))
    # Status, last result, and what was repaired.
    assert await vault.forget(AGENCY, "ann") == Erased(0, 0, 0, portal=3)
    assert await vault.projection.repairs(AGENCY, "ann", "e2") == {}


async def test_a_topic_that_is_read_anew(vault: Vault) -> None:
    """Nothing is counted twice."""
    told = result("ann", 1, caused_by=cause("e1"))
    await read(vault.projection, told)
    assert await vault.projection.rewind((RESULTS, 0), 2, 1)
    await read(vault.projection, told)
    assert await vault.projection.repairs(AGENCY, "ann", "e1") == {"inserted": 1}


async def test_one_connection(vault: Vault) -> None:
    """It is told as in the list of all: live, revoking, ended."""
    assert await vault.connection_info(AGENCY, "ann") is None
    await vault.store(consent("ann"), NOON)
    await vault.store(consent("bob"), NOON)
    live = await vault.connection_info(AGENCY, "ann")
    assert live is not None
    assert (live.state, live.google_account, live.connected_at) == ("live", "ann@example.com", NOON)
    token = await vault.release(AGENCY, "ann", LATER, "disconnected")
    assert token is not None
    revoking = await vault.connection_info(AGENCY, "ann")
    assert revoking is not None
    assert revoking.state == "revoking"
    await vault.revoked(token.token_id)
    assert [await vault.connection_info(AGENCY, user) for user in ("ann", "bob")] == await vault.connections()


async def test_an_account_that_is_in_use(vault: Vault) -> None:
    """Whoever lives on it, in whichever agency and however it is spelled; not any more once that has ended."""
    assert not await vault.uses_account("ann@example.com")
    await vault.store(consent("ann", agency="other"), NOON)
    assert await vault.uses_account(" Ann@Example.com")
    assert not await vault.uses_account("nn@example.com")
    await vault.release("other", "ann", LATER, "disconnected")
    assert not await vault.uses_account("ann@example.com")
