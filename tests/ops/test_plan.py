"""`plan`: what would be written now, from the users' rows; nothing is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planning.shifts import wish_of
from schemas.facts import Problem
from schemas.rows import Connection, Open, Verify
from tests.ops.conftest import Jsonl, Shell, World
from tests.ops.messages import AGENCY
from tests.ops.rows import CALENDAR, NOW, Tables, cause, connected, shift, user_row


@pytest.fixture
def tables(world: World) -> Tables:
    """u-1 waits for an insert and a delete, u-2 is in step, u-3 not connected; another agency has work, too."""
    made = Tables(world)
    first, second = (
        wish_of(shift("1")),
        wish_of(shift("2", start=NOW + timedelta(days=1), end=NOW + timedelta(days=2))),
    )
    opened = {f"{CALENDAR}/1": Open(cause=cause(offset=9), version=1)}
    made.user("u-1", user_row("u-1", {"1": first}, {"2": second}, open=opened))
    made.user("u-2", user_row("u-2", {"1": first}, {"1": first}))
    made.user("u-3", user_row("u-3", {"1": first}, {}, connection=Connection()))
    other = user_row("u-1", {"1": first}, {}).model_copy(update={"agency_id": "other"})
    made.put("users", "other", "u-1", row=other)
    return made


def test_an_agency(world: World, tables: Tables) -> None:
    """The soonest shift first, with the message behind each write; titles are not shown."""
    ended = world("plan", AGENCY)
    assert (ended.status, ended.err) == (0, "")
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[0][:6] == ["starts", "user", "write", "shift", "calendar", "version"]
    assert [line[2:6] for line in lines[1:3]] == [
        ["u-1", "delete", "2", CALENDAR],
        ["u-1", "insert", "1", CALENDAR],
    ]
    assert [" ".join(line[7:]) for line in lines[1:3]] == [
        "a look",
        "schedule-changed 0:9",
    ]
    assert ended.out.splitlines()[-1] == "2 writes of one user: 1 delete, 1 insert"
    assert "Medic" not in ended.out


def test_users(world: World, tables: Tables) -> None:
    """Those who are named alone, with titles."""
    ended = world("plan", AGENCY, "u-1", "u-2")
    assert "Medic 12 Day" in ended.out
    assert ended.out.splitlines()[-1] == "2 writes of one user: 1 delete, 1 insert"
    assert world("plan", AGENCY, "u-2", "u-3").out == "nothing would be written\n"


def test_for_a_script(world: World, tables: Tables) -> None:
    """Everybody who is named, whether or not something is due; of an agency only who has work."""
    found = {each["user_id"]: each for each in world("plan", AGENCY, "u-1", "u-2", "--json").json}
    assert [each["write"] for each in found["u-1"]["writes"]] == ["delete", "insert"]
    assert found["u-1"]["writes"][1]["caused_by"]["offset"] == 9
    assert found["u-1"]["writes"][1]["title"] == "Medic 12 Day"
    assert (found["u-1"]["step"], found["u-2"]["step"]) == ("write", "rest")
    (only,) = world("plan", AGENCY, "--json").json
    assert only["user_id"] == "u-1"
    assert "title" not in only["writes"][1]


def test_the_soonest_few(world: World, tables: Tables) -> None:
    """The list is cut, the sum is not."""
    lines = world("plan", AGENCY, "--limit", "1").out.splitlines()
    assert lines[-2:] == [
        "and 1 more: --limit lists more of them",
        "2 writes of one user: 1 delete, 1 insert",
    ]
    assert len(lines) == 4


def test_what_comes_before_writes(world: World, tables: Tables) -> None:
    """A look, or a problem with what to do about it."""
    one = wish_of(shift("1"))
    tables.user("u-4", user_row("u-4", {"1": one}, {}, connection=connected(verify=Verify(ticket="t"))))
    gone = Problem(
        state="needs_reauthorization", code="invalid_grant", message="It is gone.", what_to_do="Connect."
    )
    tables.user("u-5", user_row("u-5", {"1": one}, {}, connection=connected(problem=gone)))
    ended = world("plan", AGENCY, "u-4", "u-5")
    assert ended.out.splitlines()[-3:] == [
        "2 writes of 2 users: 2 insert",
        "u-4: a look at Google comes first, and may change it",
        "u-5: waits: It is gone. Connect.",
    ]


def test_policies_as_they_stand(world: World, tables: Tables, shiftcal: Shell, jsonl: Jsonl) -> None:
    """A changed file shows what it would change."""
    path = jsonl("[default]", 'title = "{{ title }} at {{ kind }}"', name="policies.toml")
    ended = shiftcal("plan", AGENCY, "u-2", **world.settings, policies=path)
    assert "Medic 12 Day at shift" in ended.out
    assert ended.out.splitlines()[-1] == "1 writes of one user: 1 patch"


def test_somebody_unknown(world: World, tables: Tables) -> None:
    """One line says who, and where to look."""
    ended = world("plan", AGENCY, "u-1", "u-99")
    assert (ended.status, ended.out) == (1, "")
    assert "nothing is known of u-99 of agency metro-ems" in ended.complaint
    ended = world("plan", "nobody")
    assert "nothing is known of agency nobody: check its id; known are metro-ems, other" in ended.complaint


def test_nobody_known_at_all(world: World) -> None:
    """Perhaps no worker ever ran."""
    assert "no worker has processed a message yet" in world("plan", AGENCY).complaint
