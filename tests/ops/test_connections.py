"""`connections`, `resync` and `disconnect`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ops.conftest import Jsonl, Shell, World
from tests.ops.messages import AGENCY, grant


def commands(world: World) -> list[dict[str, Any]]:
    """Every command sent so far, under the key of its user."""
    found = world.read("sync-commands")
    values = [json.loads(record.value or b"") for record in found]
    assert [record.key for record in found] == [f"{v['agency_id']}/{v['user_id']}".encode() for v in values]
    for value in values:
        at = datetime.fromisoformat(value["occurred_at"])
        assert timedelta(0) <= datetime.now(UTC) - at < timedelta(minutes=1)
    assert len({value["event_id"] for value in values}) == len(values)
    return values


def test_an_import(world: World, jsonl: Jsonl) -> None:
    """Everybody is connected and announced; the tokens are nowhere to be seen."""
    file = jsonl(
        grant(), grant("u-18", scopes="one two", google_calendar_id="team@group.calendar.google.com")
    )
    ended = world("connections", "import", file)
    assert (ended.status, ended.out, ended.err) == (0, "imported 2 connections\n", "")
    assert sorted((each["user_id"], each["command"]) for each in commands(world)) == [
        ("u-17", "connect"),
        ("u-18", "connect"),
    ]
    listed = world("connections", "list", "--json")
    assert [
        (each["user_id"], each["state"], each["scopes"], each["google_calendar_id"]) for each in listed.json
    ] == [
        ("u-17", "live", ["https://www.googleapis.com/auth/calendar.events"], "primary"),
        ("u-18", "live", ["one", "two"], "team@group.calendar.google.com"),
    ]
    table = world("connections", "list").out
    assert "u-17@example.com" in table
    assert "token-of" not in listed.out + table


def test_the_list_of_an_agency(world: World, jsonl: Jsonl) -> None:
    """Its connections alone, for a person and for a script; what cannot be an agency's id is wrong use."""
    assert world("connections", "import", jsonl(grant(), grant("u-18", agency_id="another"))).status == 0
    assert [each["user_id"] for each in world("connections", "list", "another", "--json").json] == ["u-18"]
    assert "u-17" not in world("connections", "list", "another").out
    assert world("connections", "list", "an/other").status == 2


def test_an_import_without_the_permission_to_write(world: World, jsonl: Jsonl) -> None:
    """It is announced all the same, so that the user is told to connect again; the command names the scope."""
    readable = "https://www.googleapis.com/auth/calendar.events.readonly"
    ended = world("connections", "import", jsonl(grant(scopes=[readable]), grant("u-18")))
    assert ended.status == 0
    [line, last] = ended.out.splitlines()
    assert "metro-ems/u-17 gave no permission to write events" in line
    assert "calendar.events" in line
    assert last == "imported 2 connections"
    assert len(commands(world)) == 2


def test_an_import_again(world: World, jsonl: Jsonl) -> None:
    """Each import is a new connect."""
    for _ in range(2):
        assert world("connections", "import", jsonl(grant())).status == 0
    assert len(commands(world)) == 2


def test_two_users_of_one_calendar(world: World, jsonl: Jsonl) -> None:
    """The second one takes it over, and the command says so."""
    ended = world("connections", "import", jsonl(grant(), grant("u-18", google_account="u-17@example.com")))
    assert ended.status == 0
    assert "metro-ems/u-17 lost the calendar to metro-ems/u-18" in ended.out
    sent = {(each["user_id"], each["command"], each.get("reason")) for each in commands(world)}
    assert ("u-17", "disconnect", "calendar_moved") in sent


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not UTF-8 JSON"),
        ("[]", "expected a JSON object"),
        ({k: v for k, v in grant().items() if k != "scopes"}, "scopes: expected a value; came nothing"),
        (grant(refresh_token=4_711_4711), "refresh_token: expected a text that is not empty"),
        (grant(refresh_token=" "), "refresh_token: expected a text that is not empty"),
        (grant(google_account="geheim geheim"), "google_account: expected a text without spaces"),
        (grant(scopes={"geheim": 1}), "scopes: expected a list of scopes"),
        (grant(user="geheim/geheim"), "user_id: expected"),
        (grant(google_calendar_id=4_711_4711), "google_calendar_id: expected"),
    ],
)
def test_a_bad_line(shiftcal: Shell, jsonl: Jsonl, key: str, line: object, said: str) -> None:
    """File, line, field and what was expected, never what came; nothing is imported."""
    ended = shiftcal("connections", "import", jsonl(grant(), line), vault_keys=key)
    assert (ended.status, ended.out) == (1, "nothing was imported: 1 of 2 lines are bad\n")
    assert ended.complaint.startswith("file.jsonl:2: ")
    assert said in ended.complaint
    assert not any(secret in ended.err for secret in ("geheim", "4711", "token-of"))
    assert shiftcal("connections", "list").out == "nobody is connected\n"


def test_a_resync_of_some_users(world: World) -> None:
    """One command each, however often they are named."""
    ended = world("resync", AGENCY, "u-1", "u-2", "u-1")
    assert (ended.status, ended.out) == (0, "asked for 2 resyncs in metro-ems\n")
    assert sorted((each["user_id"], each["command"]) for each in commands(world)) == [
        ("u-1", "resync"),
        ("u-2", "resync"),
    ]


def test_a_resync_of_an_agency(world: World, jsonl: Jsonl) -> None:
    """Whoever is connected there."""
    other = grant("u-3", agency_id="another")
    assert world("connections", "import", jsonl(grant("u-1"), grant("u-2"), other)).status == 0
    assert world("resync", AGENCY).status == 0
    asked = [each["user_id"] for each in commands(world) if each["command"] == "resync"]
    assert sorted(asked) == ["u-1", "u-2"]


def test_a_resync_of_an_agency_without_connections(world: World) -> None:
    """Probably a slip of the pen."""
    ended = world("resync", "metro-esm")
    assert (ended.status, ended.out) == (1, "")
    assert "nobody of agency metro-esm is connected" in ended.complaint


@pytest.mark.parametrize(("more", "purge"), [([], None), (["--purge"], True)])
def test_a_disconnect(world: World, more: list[str], purge: object) -> None:
    """One command, which purges only if asked to."""
    ended = world("disconnect", AGENCY, "u-17", *more)
    assert ended.status == 0
    assert [(each["command"], each.get("purge")) for each in commands(world)] == [("disconnect", purge)]
