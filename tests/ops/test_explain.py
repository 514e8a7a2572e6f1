"""`explain`: from what stands in topics alone; no worker runs here."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from planning.shifts import wish_of
from schemas.facts import Changes, ShiftsChanged
from schemas.messages import Upsert
from schemas.outputs import CausedBy, SyncResult
from schemas.rows import Connection
from streams import codec
from streams.sender import partition_of
from tests.ops.conftest import PARTITIONS, Jsonl, Shell, World
from tests.ops.messages import AGENCY, command, published, schedule, upsert
from tests.ops.rows import CALENDAR, NOW, Tables, cause, shift, user_row


@pytest.fixture
def tables(world: World) -> Tables:
    """One published calendar: a shift of u-17 that stands in Google, and one of u-18, who is not connected."""
    made = Tables(world)
    mine, theirs = shift(), shift("48214", user="u-18")
    made.calendar(mine, theirs)
    made.user("u-17", user_row("u-17", {"48213": wish_of(mine)}, {"48213": wish_of(mine)}))
    made.user("u-18", user_row("u-18", {"48214": wish_of(theirs)}, {}, connection=Connection()))
    return made


def answers(world: World, *arguments: str) -> list[Any]:
    ended = world("explain", AGENCY, *arguments, "--json")
    assert (ended.status, ended.err) == (0, "")
    assert ended.json["complete"]
    return list(ended.json["answers"])


def codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


def test_a_shift_that_stands_there(world: World, tables: Tables) -> None:
    """For a person: the answer, the shift, and a line of place below each reason that has a message."""
    ended = world("explain", AGENCY, "u-17", "48213")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "Shift 48213 of calendar ops-2026-12 is on the Google calendar of metro-ems/u-17."
    assert lines[1].startswith("  Medic 12 Day: ")
    assert lines[1].endswith(" America/New_York")
    assert "- Its event stands in Google, last written with version 1;" in lines[2]
    place = lines.index(next(line for line in lines if line.startswith("- Its calendar is published"))) + 1
    assert lines[place].startswith("    calendar-published, partition 0, offset 3, version 4, occurred at 20")
    assert "radio" not in ended.out


def test_since_when(world: World, tables: Tables) -> None:
    """The newest result of this very shift says it, and names the message of its version."""
    done: tuple[tuple[str, Any], ...] = (("48213", "inserted"), ("48213", "patched"), ("other", "inserted"))
    for number, (shift_id, action) in enumerate(done, start=1):
        told = SyncResult(
            agency_id=AGENCY,
            user_id="u-17",
            calendar_id=CALENDAR,
            shift_id=shift_id,
            version=1,
            action=action,
            google_event_id="bgs",
            at=NOW + timedelta(minutes=number),
            caused_by=CausedBy(
                topic=f"{world.prefix}schedule-changed",
                partition=1,
                offset=number,
                event_id="e",
                occurred_at=NOW,
            ),
            latency_ms=240,
        )
        key = codec.key(AGENCY, "u-17")
        world.write("sync-results", (partition_of(key, PARTITIONS), key, codec.plain(told), {}))
    (found,) = answers(world, "u-17", "48213")
    assert codes(found) == ["there", "assigned", "published", "connected"]
    since, last = (f"{NOW + timedelta(minutes=n):%Y-%m-%d %H:%M:%S} UTC" for n in (1, 2))
    said = f"Its event stands in Google since {since}: last patched on {last}, 240 ms after the message came."
    assert found["reasons"][0]["sentence"] == said
    places = [found["reasons"][number]["message"] for number in (0, 1)]
    assert [(each["partition"], each["offset"], each["version"]) for each in places] == [(1, 2, 1)] * 2


def test_the_message_that_intake_passed_on(world: World, tables: Tables) -> None:
    """It is found in the calendar's partition, by version and content; another content of that version is not it."""
    key = codec.key(AGENCY, CALENDAR)
    for offset, title in ((7, "Medic 12 Day"), (8, "Another")):
        change = Upsert(op="upsert", shift=shift(title=title))
        said = Changes(changes=(change,), cause=cause(offset=offset))
        fact = ShiftsChanged(agency_id=AGENCY, calendar_id=CALENDAR, messages=(said,))
        world.write("shiftcal-calendar-facts", (partition_of(key, PARTITIONS), key, codec.encode(fact), {}))
    (found,) = answers(world, "u-17", "48213")
    (place,) = [each["message"] for each in found["reasons"] if each["code"] == "assigned"]
    assert (place["offset"], place["version"]) == (7, 1)


def test_the_message_as_it_came(world: World, tables: Tables) -> None:
    """Where intake's own is gone, the input topic is searched, in whatever partition and spelling."""
    body = json.loads(shift("größe", 3).model_dump_json())
    tables.calendar(shift("größe", 3))
    value = schedule({"op": "upsert", "shift": body})["value"]
    world.write("schedule-changed", (1, None, json.dumps(value).encode(), {}))
    (found,) = answers(world, "u-17", "größe")
    place = found["reasons"][1]["message"]
    assert (place["topic"], place["partition"], place["offset"]) == (f"{world.prefix}schedule-changed", 1, 0)


def test_the_message_of_a_connect(world: World, tables: Tables) -> None:
    """The command of that very time, not another's and not an older one."""
    at = NOW.isoformat()
    lines = [command("u-17", "connect", "2026-01-01T00:00:00Z"), command("u-1", "connect", at)]
    for number, line in enumerate((*lines, command("u-17", "connect", at))):
        world.write("sync-commands", (number % 2, None, json.dumps(line["value"]).encode(), {}))
    (found,) = answers(world, "u-17", "48213")
    (place,) = [each["message"] for each in found["reasons"] if each["code"] == "connected"]
    assert (place["partition"], place["offset"]) == (0, 1)


def test_a_shift_of_somebody_else(world: World, tables: Tables) -> None:
    """It is found though the user's row does not name it; its text is not shown."""
    (found,) = answers(world, "u-17", "48214")
    assert (found["on_calendar"], found["calendar_id"], codes(found)) == (False, CALENDAR, ["another_users"])
    assert found["wish"] is None
    assert "Medic" not in world("explain", AGENCY, "u-17", "48214").out


def test_a_user_who_is_not_connected(world: World, tables: Tables) -> None:
    """That is all that keeps it off."""
    (found,) = answers(world, "u-18", "48214")
    assert codes(found) == ["not_connected"]


def test_a_shift_in_two_calendars(world: World, tables: Tables) -> None:
    """An answer for each, or for the one that is asked for."""
    tables.calendar(shift("48999", user="u-1"), calendar="a", published=False)
    tables.calendar(shift("48999", user="u-17"), calendar="b", published=False)
    found = answers(world, "u-17", "48999")
    assert [(each["calendar_id"], codes(each)[0]) for each in found] == [
        ("a", "another_users"),
        ("b", "never_published"),
    ]
    (one,) = answers(world, "u-17", "48999", "--calendar", "b")
    assert one["calendar_id"] == "b"


def test_a_row_that_was_dropped(world: World, tables: Tables) -> None:
    """Who was forgotten is as new."""
    tables.user("u-17", None)
    (found,) = answers(world, "u-17", "48213")
    assert (found["on_calendar"], codes(found)) == (False, ["not_connected"])


def test_what_nobody_ever_spoke_of(world: World, tables: Tables) -> None:
    """An answer that helps, for whichever id is wrong."""
    ended = world("explain", AGENCY, "u-17", "nonsense")
    assert (ended.status, ended.err) == (0, "")
    assert "No calendar of agency metro-ems ever told of a shift nonsense: check both ids." in ended.out
    ended = world("explain", "nobody", "no-user", "48213")
    assert (ended.status, ended.err) == (0, "")
    assert "No calendar of agency nobody ever told of a shift 48213: check both ids." in ended.out
    assert "This user never connected a Google calendar." in ended.out
    (found,) = answers(world, "u-17", "48213", "--calendar", "nonsense")
    assert codes(found)[0] == "never_heard_of"


def test_messages_that_no_worker_has_read(world: World, tables: Tables, jsonl: Jsonl) -> None:
    """A newer version, a publication and an end are named; what is older or another's is not."""
    later = (NOW + timedelta(seconds=1)).isoformat()
    lines = [
        schedule(upsert("48213", 2), upsert("48213", 1), upsert("48214", 9)),
        published(version=5),
        published(version=3),
        published("another", 9),
        command("u-17", "disconnect", later),
        command("u-18", "disconnect", later),
    ]
    assert world("produce", jsonl(*lines)).status == 0
    (found,) = answers(world, "u-17", "48213")
    news = [each["message"] for each in found["reasons"] if each["code"] == "unread"]
    assert sorted((each["topic"].removeprefix(world.prefix), each["version"]) for each in news) == [
        ("calendar-published", 5),
        ("schedule-changed", 2),
        ("sync-commands", None),
    ]
    assert codes(found)[-3:] == ["no_worker", "rebuilding", "behind"]
    assert found["in_step"] is False


def test_a_shift_that_only_a_dead_letter_names(world: World, tables: Tables) -> None:
    """It is named with its number, and what was wrong."""
    value = json.dumps(schedule(upsert("48300", end=1))["value"]).encode()
    world.write("dead-letters", (1, b"k", value, {"reason": "bad_change", "error": "end: expected a time."}))
    (found,) = answers(world, "u-17", "48300")
    assert codes(found) == ["never_heard_of", "unreadable"]
    assert (
        "(bad_change): end: expected a time. See `shiftcal dead-letters show 1:0`"
        in found["reasons"][1]["sentence"]
    )


def test_no_time_to_look_for_messages(world: World, tables: Tables) -> None:
    """The answer stands, and it is said that more could be found."""
    ended = world("explain", AGENCY, "u-17", "48213", "--search", "0")
    assert ended.status == 0
    assert ended.out.startswith("Shift 48213 of calendar ops-2026-12 is on the Google calendar")
    assert "not every message was found within 0 s: --search" in ended.complaint


def test_policies_as_they_stand(world: World, tables: Tables, shiftcal: Shell, jsonl: Jsonl) -> None:
    """A kind that the file leaves out is not synced."""
    path = jsonl("[default]", 'synced_kinds = ["training"]', name="policies.toml")
    ended = shiftcal("explain", AGENCY, "u-17", "48213", **world.settings, policies=path)
    assert "Its kind, shift, is not synced: the agency's policy synced_kinds has training." in ended.out


@pytest.mark.parametrize(
    "verb", [["explain", "a", "u", "s"], ["status"], ["status", "a", "u"], ["plan", "a"]]
)
def test_no_kafka(shiftcal: Shell, verb: list[str]) -> None:
    """One line names the setting, and the status is 1."""
    ended = shiftcal(*verb, kafka_bootstrap="127.0.0.1:1")
    assert (ended.status, ended.out) == (1, "")
    assert "SHIFTCAL_KAFKA_BOOTSTRAP: no Kafka answers at 127.0.0.1:1" in ended.complaint


@pytest.mark.parametrize("verb", [["explain", "a", "u", "s"], ["status"], ["plan", "a"]])
def test_no_topics(shiftcal: Shell, world: World, verb: list[str]) -> None:
    """What to run is said."""
    ended = shiftcal(*verb, **world.settings | {"topic_prefix": "nobody-has-this-"})
    assert (ended.status, ended.out) == (1, "")
    assert "run `shiftcal topics create`" in ended.complaint
