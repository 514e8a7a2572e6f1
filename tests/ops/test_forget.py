"""`forget`: who is connected is refused, Google is told first, and nothing of the person stays in the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.facts import Forgotten
from streams import codec
from tests.e2e.google import Google
from tests.kafka import Kafka
from tests.ops.conftest import Jsonl, Shell, World
from tests.ops.messages import AGENCY, grant
from vault import Vault


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with Google() as google:
        yield google


@pytest.fixture
def world(kafka: Kafka, prefix: str, shiftcal: Shell, google: Google, tmp_path: Path) -> World:
    """All topics created; Google is the stand-in."""
    made = World(kafka, prefix, shiftcal)
    made.settings |= {name.removeprefix("SHIFTCAL_").lower(): url for name, url in google.settings.items()}
    made.settings["database_url"] = f"sqlite+aiosqlite:///{tmp_path}/shiftcal.db"
    assert made("topics", "create").status == 0
    return made


def _connect(world: World, google: Google, jsonl: Jsonl, user: str, **fields: str) -> str:
    account = fields.setdefault("google_account", f"{user}.{world.prefix}@example.com")
    line = grant(user, refresh_token=google.account(account), **fields)
    assert world("connections", "import", jsonl(line)).status == 0
    return account


def _leave(world: World, user: str) -> None:
    """As a worker does it that cannot reach Google."""

    async def leave() -> None:
        vault = await Vault.open(world.settings["database_url"], [world.settings["vault_keys"]])
        await vault.release(AGENCY, user, datetime.now(UTC) + timedelta(seconds=1), "deactivated")
        await vault.preferences.put(AGENCY, user, {"color": 5}, datetime.now(UTC))
        await vault.close()

    asyncio.run(leave())


def _known(world: World) -> list[str]:
    return [each["user_id"] for each in world("connections", "list", "--json").json]


def test_somebody_who_left(world: World, google: Google, jsonl: Jsonl) -> None:
    """Revoked, erased, told to the workers and to who reads statuses; what remains is said with its times."""
    account = _connect(world, google, jsonl, "u-17")
    _connect(world, google, jsonl, "u-18")
    _leave(world, "u-17")
    assert google.grants(account) == 1
    ended = world("forget", AGENCY, "u-17")
    assert (ended.status, ended.err) == (0, "")
    assert "forgot metro-ems/u-17: 1 connection removed, 1 grant revoked at Google" in ended.out
    assert "1 of the portal's entries removed" in ended.out
    assert google.grants(account) == 0
    assert _known(world) == ["u-18"]
    [fact] = [codec.user_record(record.value or b"") for record in world.read("shiftcal-user-facts")]
    assert isinstance(fact, Forgotten)
    assert (fact.agency_id, fact.user_id) == (AGENCY, "u-17")
    [status] = world.read("sync-status")
    assert (status.key, status.value) == (b"metro-ems/u-17", None)
    said = ended.out.splitlines()
    assert any("schedule-changed" in line and "for ever" in line for line in said)
    assert any("shiftcal-user-facts" in line and "7 days" in line for line in said)
    assert any("users-changelog" in line and "compaction" in line for line in said)
    assert any("own calendar" in line for line in said)


def test_somebody_who_is_connected(world: World, google: Google, jsonl: Jsonl) -> None:
    """One line says what to do first; nothing is touched, and nothing is sent."""
    account = _connect(world, google, jsonl, "u-17")
    ended = world("forget", AGENCY, "u-17")
    assert (ended.status, ended.out) == (1, "")
    assert "metro-ems/u-17 is still connected" in ended.complaint
    assert "shiftcal disconnect metro-ems u-17" in ended.complaint
    assert google.grants(account) == 1
    assert _known(world) == ["u-17"]
    assert world.read("shiftcal-user-facts") == world.read("sync-status") == []


def test_google_does_not_confirm(world: World, google: Google, jsonl: Jsonl) -> None:
    """Nothing is removed, for without the token the grant could not be revoked any more; unless that is wanted."""
    account = _connect(world, google, jsonl, "u-17")
    _leave(world, "u-17")
    fault = google.fault("status", method="oauth.revoke", account=account, status=503)
    ended = world("forget", AGENCY, "u-17")
    assert (ended.status, ended.out) == (1, "")
    assert "nothing was removed" in ended.complaint
    assert "--unrevoked" in ended.complaint
    assert _known(world) == ["u-17"]
    ended = world("forget", AGENCY, "u-17", "--unrevoked")
    google.mend(fault)
    assert ended.status == 0
    assert "1 removed without being revoked" in ended.out
    assert _known(world) == []
    assert google.grants(account) == 1


def test_an_account_that_somebody_else_uses(world: World, google: Google, jsonl: Jsonl) -> None:
    """Its grant lives on."""
    account = _connect(world, google, jsonl, "u-17")
    second = str(google.ask("POST", "calendars", {"account": account, "summary": "second"})["id"])
    _connect(world, google, jsonl, "u-18", google_account=account, google_calendar_id=second)
    _leave(world, "u-17")
    ended = world("forget", AGENCY, "u-17")
    assert ended.status == 0
    assert "0 grants revoked" in ended.out
    assert google.grants(account) == 2
    assert _known(world) == ["u-18"]


def test_a_token_that_no_key_fits(world: World, google: Google, jsonl: Jsonl, key: str) -> None:
    """It is said, and nothing is removed."""
    _connect(world, google, jsonl, "u-17")
    _leave(world, "u-17")
    world.settings["vault_keys"] = key
    ended = world("forget", AGENCY, "u-17")
    assert (ended.status, ended.out) == (1, "")
    assert "SHIFTCAL_VAULT_KEYS: 1 of this person's tokens" in ended.complaint
    assert world("forget", AGENCY, "u-17", "--unrevoked").status == 0


def test_the_end_was_not_announced_yet(world: World, google: Google, jsonl: Jsonl) -> None:
    """It is sent, so that the workers know of it, and the command asks to be run again."""
    _connect(world, google, jsonl, "u-17")
    url, keys = world.settings["database_url"], [world.settings["vault_keys"]]

    async def take_over() -> None:
        from pydantic import SecretStr  # noqa: PLC0415

        from vault import NewConnection  # noqa: PLC0415

        vault = await Vault.open(url, keys)
        new = NewConnection(AGENCY, "u-18", f"u-17.{world.prefix}@example.com", SecretStr("t"), ("s",))
        await vault.store(new, datetime.now(UTC))
        await vault.close()

    asyncio.run(take_over())
    ended = world("forget", AGENCY, "u-17")
    assert ended.status == 1
    assert "announced just now" in ended.complaint
    sent = [json.loads(record.value or b"") for record in world.read("sync-commands")]
    assert ("u-17", "disconnect") in {(each["user_id"], each["command"]) for each in sent}
    assert world("forget", AGENCY, "u-17").status == 0


def test_somebody_of_whom_nothing_is_known(world: World) -> None:
    """The fact is sent all the same: a row may hold shifts of somebody who never connected."""
    ended = world("forget", AGENCY, "nobody")
    assert ended.status == 0
    assert "0 connections removed" in ended.out
    assert len(world.read("shiftcal-user-facts")) == 1
