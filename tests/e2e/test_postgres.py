"""Two workers on two hosts: nothing is shared but Kafka, Google and one PostgreSQL; one of them dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import SecretStr

from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import SCOPE, Agency, User, World
from tests.postgres import Postgres
from vault import NewConnection, Vault

USERS, SHIFTS = 12, 3
WRITES = {"events.insert", "events.patch", "events.delete"}


async def in_the_vault(world: World, *users: User) -> None:
    """Store connections as the portal does: the announcements are the workers' to send."""
    url, key = world.settings["SHIFTCAL_DATABASE_URL"], world.settings["SHIFTCAL_VAULT_KEYS"]
    vault = await Vault.open(url, [key])
    try:
        for user in users:
            token = SecretStr(world.google.account(user.account))
            new = NewConnection(user.agency.id, user.id, user.account, token, (SCOPE,))
            assert (await vault.store(new, datetime.now(UTC))).applied
    finally:
        await vault.close()


async def left_in_the_vault(world: World) -> tuple[int, int]:
    """How many commands and how many revocations wait."""
    vault = await Vault.open(world.settings["SHIFTCAL_DATABASE_URL"], [world.settings["SHIFTCAL_VAULT_KEYS"]])
    try:
        return len(await vault.announcements()), len(await vault.to_revoke(100))
    finally:
        await vault.close()


def deal(agency: Agency, version: int) -> None:
    """Everybody's shifts."""
    agency.schedule(
        *(
            shift(f"{user.id}-{n}", version, user.id, start=in_days(1 + n), title=f"{user.id} {n} v{version}")
            for user in agency.users
            for n in range(SHIFTS)
        )
    )


def shows(users: list[User], version: int) -> None:
    """Wait until each of these calendars shows exactly this version."""
    for user in users:
        user.shows(*(f"{user.id} {n} v{version}" for n in range(SHIFTS)))


def made_once(google: Google, since: int) -> int:
    """No write was made twice since; how many there were."""
    done = Counter(
        (one["account"], one["method"], one["event_id"])
        for one in google.journal(since)
        if one["method"] in WRITES
    )
    assert set(done.values()) <= {1}, done.most_common(3)
    return len(done)


def revoked_once(google: Google, since: int) -> set[str]:
    """Whose grants Google has given up since; each was asked for until it was confirmed, and not once more."""
    taken = Counter(
        one["account"]
        for one in google.journal(since)
        if one["method"] == "oauth.revoke" and one["status"] == 200
    )
    assert set(taken.values()) <= {1}, taken
    return set(taken)


def test_two_workers_on_one_postgres(new_world: Callable[..., World], postgres: Postgres) -> None:
    """Connects, publications and ends reach Google once each, whoever of the two does it, and whoever of them dies."""
    with postgres.database() as url, Google() as google:
        world = new_world(google, database_url=url)
        world.must("topics", "create")
        one, other = world.start("one"), world.start("other")
        for worker in (one, other):
            worker.wait_ready()
        agency = Agency(world, "metro", *(f"u{n:02}" for n in range(USERS)))
        imported, through_the_portal, late = agency.users[:6], agency.users[6:10], agency.users[10:]
        _connected(world, agency, imported, through_the_portal)
        _ended_while_one_dies(world, agency, imported, late)
        shows(through_the_portal + late, 2)
        one = world.start("one").wait_ready()
        world.settle(seconds=90)
        since = google.mark()
        deal(agency, 3)
        shows(through_the_portal + late, 3)
        world.settle(seconds=90)
        assert made_once(google, since) == (USERS - len(imported)) * SHIFTS
        for worker in (one, other):
            assert worker.stop() == 0, worker.tail()
            assert "Traceback" not in worker.log.read_text(), worker.tail()
        stats = google.stats()
        assert (stats["duplicate_inserts"], stats["overlaps"], stats["violations"]) == ([], [], [])


def _connected(world: World, agency: Agency, imported: list[User], through_the_portal: list[User]) -> None:
    """By the command and by the portal, and everything is published: both workers have their part in it."""
    world.connect(*imported)
    asyncio.run(in_the_vault(world, *through_the_portal))
    agency.publish()
    deal(agency, 1)
    shows(imported + through_the_portal, 1)
    world.settle(seconds=90)
    assert made_once(world.google, 0) == len(imported + through_the_portal) * SHIFTS
    calls = [worker.number("shiftcal_google_calls_total") for worker in world.workers]
    assert min(calls) > 0, f"one of the two had nobody to care for: {calls}"
    assert asyncio.run(left_in_the_vault(world)) == (0, 0)


def _ended_while_one_dies(world: World, agency: Agency, ended: list[User], late: list[User]) -> None:
    """Google takes no revocation, and the first worker is killed with some of them: the other one makes up for it."""
    google, since = world.google, world.google.mark()
    fault = google.fault("status", method="oauth.revoke", status=503)
    for user in ended:
        user.command("disconnect")
    for user in ended:
        user.is_told("stopped", "not_revoked_yet")
    assert asyncio.run(left_in_the_vault(world)) == (0, len(ended))
    world.workers[0].kill()
    asyncio.run(in_the_vault(world, *late))
    deal(agency, 2)
    google.mend(fault)
    accounts = {user.account for user in ended}
    assert (
        eventually(lambda: {a for a in accounts if google.grants(a)}, lambda seen: not seen, seconds=90)
        == set()
    )
    for user in ended:
        user.is_told("stopped")
        user.keeps(*(f"{user.id} {n} v1" for n in range(SHIFTS)))
    assert revoked_once(google, since) == accounts
    made_once(google, since)
    assert asyncio.run(left_in_the_vault(world)) == (0, 0)
