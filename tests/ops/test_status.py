"""`status`: sums, who needs attention, and one user; no worker runs here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from planning.shifts import wish_of
from schemas.facts import Problem, Withdrawal
from schemas.outputs import LastError, SyncStatus
from schemas.rows import CalendarWish, Open, Verify
from tests.ops.conftest import Jsonl, Shell, World
from tests.ops.messages import AGENCY
from tests.ops.rows import CALENDAR, NOW, Tables, cause, connected, shift, user_row

HELD = LastError(code="held", message="9 removals wait.", what_to_do="Release them.")


def told(user: str, state: Any, agency: str = AGENCY, **fields: Any) -> SyncStatus:
    return SyncStatus(agency_id=agency, user_id=user, state=state, **fields)


@pytest.fixture
def tables(world: World) -> Tables:
    """Two agencies; u-1 waits since an hour, u-2 is held, and was in step before, u-3 is in step."""
    made = Tables(world)
    made.status(
        told("u-1", "syncing", pending=3, oldest_pending_at=NOW - timedelta(hours=1)),
        told("u-2", "in_sync"),
        told("u-2", "paused", last_error=HELD),
        told("u-3", "in_sync", last_synced_at=NOW),
        told("u-1", "not_connected", "other"),
    )
    return made


def test_all_agencies(world: World, tables: Tables) -> None:
    """Workers first, then a line for each agency, each user counted once, by the newest status."""
    ended = world("status")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "no worker runs, and no message waits"
    assert lines[1].startswith("the state is not complete yet")
    rows = [line.split() for line in lines[3:]]
    assert [row[0] for row in rows] == [AGENCY, "other"]
    assert rows[0][1:10] == ["3", "0", "1", "1", "0", "1", "0", "0", "3"]
    assert rows[0][-1] == "1"
    assert "u-1" not in ended.out


def test_an_agency(world: World, tables: Tables) -> None:
    """Its sums, and who needs attention, with what to do; with --all everybody."""
    ended = world("status", AGENCY)
    assert "other" not in ended.out
    assert [line.split()[0] for line in ended.out.splitlines()[-2:]] == ["u-1", "u-2"]
    assert "held: 9 removals wait." in ended.out
    assert "Release them." in ended.out
    assert world("status", AGENCY, "--all").out.splitlines()[-1].startswith("u-3")
    assert world("status", "other").out.splitlines()[-1] == "nothing waits, and nothing is wrong"


def test_for_a_script(world: World, tables: Tables) -> None:
    """Sums by agency; the users of an agency that is named."""
    found = world("status", "--json").json
    assert found["agencies"][AGENCY]["states"]["paused"] == 1
    assert (found["agencies"][AGENCY]["pending"], found["agencies"][AGENCY]["held"]) == (3, 1)
    assert found["workers"]["workers"] == 0
    assert "users" not in found
    users = world("status", AGENCY, "--json").json["users"]
    assert [each["user_id"] for each in users] == ["u-1", "u-2", "u-3"]


def test_messages_that_wait(world: World, tables: Tables, jsonl: Jsonl) -> None:
    """They are counted, though no worker ever ran."""
    line = {"topic": "calendar-published", "value": {}}
    world.write("calendar-published", (0, None, str(line).encode(), {}), (1, None, b"{}", {}))
    said = world("status").out.splitlines()[0]
    assert said.startswith(
        "no worker runs; 2 messages wait for them (2 of the input topics, 0 about calendars"
    )


def test_a_user_who_waits(world: World, tables: Tables) -> None:
    """State, counts, since when, and what comes next."""
    opened = {f"{CALENDAR}/1": Open(cause=cause(at=NOW - timedelta(hours=1)), version=1)}
    tables.user("u-1", user_row("u-1", {"1": wish_of(shift("1"))}, {}, open=opened))
    ended = world("status", AGENCY, "u-1")
    assert (ended.status, ended.err) == (0, "")
    since = f"{NOW - timedelta(hours=1):%Y-%m-%d %H:%M:%S} UTC"
    assert ended.out.splitlines() == [
        "metro-ems/u-1 is syncing",
        f"pending: 1 (1 insert), the oldest since {since}",
        "last synced: never",
        "next: its writes go out, soonest shift first, as Google's limits let them",
        "no worker runs, and no message waits",
        "the state is not complete yet: nothing is written before it is",
    ]


def test_a_user_who_has_to_connect_again(world: World, tables: Tables) -> None:
    """What is wrong, and what to do."""
    gone = Problem(
        state="needs_reauthorization", code="invalid_grant", message="It is gone.", what_to_do="Connect."
    )
    one = wish_of(shift("1"))
    tables.user("u-1", user_row("u-1", {"1": one}, {}, connection=connected(problem=gone)))
    lines = world("status", AGENCY, "u-1").out.splitlines()
    assert lines[0] == "metro-ems/u-1 is needs_reauthorization"
    assert lines[3:6] == [
        "what is wrong: invalid_grant: It is gone.",
        "what to do: Connect.",
        "next: it waits until what is wrong has passed or is put right",
    ]
    tables.user("u-1", user_row("u-1", {}, {}, connection=connected(verify=Verify(ticket="t"))))
    assert "next: what stands in the Google calendar is looked at" in world("status", AGENCY, "u-1").out


def test_a_user_whose_removals_are_held(world: World, tables: Tables, shiftcal: Shell, jsonl: Jsonl) -> None:
    """How many of which calendar, and what releases them."""
    standing = {"1": wish_of(shift("1")), "2": wish_of(shift("2"))}
    off = CalendarWish(
        revision=1,
        standing="unpublished",
        withdrawal=Withdrawal(version=5, in_all=9, shifts=("1", "2")),
        share=1.0,
    )
    tables.user("u-1", user_row("u-1", {}, standing, calendars={CALENDAR: off}))
    path = jsonl("[default]", "hold_removals_over = {share = 0.5, count = 3}", name="policies.toml")
    settings = world.settings | {"policies": path}
    ended = shiftcal("status", AGENCY, "u-1", **settings)
    assert "metro-ems/u-1 is paused" in ended.out
    assert "next: nothing, before an operator releases what is held" in ended.out
    assert (
        f"held: 2 removals of calendar {CALENDAR}; released by `shiftcal release {AGENCY} --calendar {CALENDAR}`"
        in ended.out
    )
    found = shiftcal("status", AGENCY, "u-1", "--json", **settings).json
    assert (found["held"], found["state"], found["step"]) == ({CALENDAR: 2}, "paused", "rest")


def test_somebody_unknown(world: World, tables: Tables) -> None:
    """One line says who, and where to look."""
    ended = world("status", "nobody")
    assert (ended.status, ended.out) == (1, "")
    assert "nothing is known of agency nobody: check its id; known are metro-ems, other" in ended.complaint
    ended = world("status", AGENCY, "u-99")
    assert (ended.status, ended.out) == (1, "")
    assert "nothing is known of u-99 of agency metro-ems" in ended.complaint
    assert "`shiftcal status metro-ems`" in ended.complaint


def test_nobody_at_all(world: World) -> None:
    """An empty deployment is no failure."""
    ended = world("status")
    assert (ended.status, ended.out.splitlines()[-1]) == (
        0,
        "nobody is known yet: no message named a user, and nobody connected",
    )
