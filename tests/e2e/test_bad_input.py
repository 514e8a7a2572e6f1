"""Poison in the input topics: nothing stops, nothing is lost, and every refusal can be read by a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.e2e.kafka import Record
from tests.e2e.messages import Json, envelope, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, World


def letters(world: World, source: str, values: list[bytes | None]) -> list[Record]:
    """The letters of these values from this topic, once all are there."""

    def mine() -> list[Record]:
        topic = world.prefix + source
        return [
            one
            for one in world.records("dead-letters")
            if one.headers["source-topic"] == topic and one.value in values
        ]

    found = eventually(mine, lambda seen: len(seen) >= len(values))
    assert len(found) == len(values), world.workers[-1].tail()
    return found


def named(letter: Record, world: World) -> None:
    """The headers say why, for a person too, and where the message stands."""
    assert set(letter.headers) == {"reason", "error", "source-topic", "source-partition", "source-offset"}
    assert letter.headers["error"]
    source = letter.headers["source-topic"].removeprefix(world.prefix)
    place = int(letter.headers["source-partition"]), int(letter.headers["source-offset"])
    [record] = [one for one in world.records(source) if (one.partition, one.offset) == place]
    assert record.key == letter.key


def test_what_is_no_message_at_all(agency: Agency) -> None:
    """Bad JSON, a wrong envelope and null go to the dead letters whole, and their neighbours are read."""
    world, [u1, _] = agency.world, agency.users
    good = envelope(agency.id, calendar_id="ops", changes=[shift("s1")])
    wrong: list[Json] = [
        good | {"agency_id": "a/b"},
        good | {"occurred_at": "2026-11-23T08:00:00"},
        good | {"schema_version": 2},
        good | {"event_id": 7},
        good | {"changes": {}},
        {name: value for name, value in good.items() if name != "calendar_id"},
    ]
    marked = agency.id.encode()
    bad: list[bytes | None] = [
        b'{"event_id": "' + marked,
        b"\xff\xfe " + marked,
        b'"' + marked + b'"',
        b"[1, 2, 3]",
        b"",
        None,
        *(json.dumps(one).encode() for one in wrong),
    ]
    agency.publish()
    world.send("schedule-changed", *bad, key="a key")
    world.send("schedule-changed", good)
    u1.shows("s1")
    found = letters(world, "schedule-changed", bad)
    for letter in found:
        assert letter.key == "a key"
        named(letter, world)
    reasons = {letter.value: letter.headers["reason"] for letter in found}
    assert reasons[None] == "null_value"
    assert reasons[bad[0]] == "not_json"
    assert reasons[bad[-1]] == "bad_envelope"
    field = {letter.value: letter.headers["error"] for letter in found}
    assert "agency_id" in field[bad[6]]
    assert "occurred_at" in field[bad[7]]
    assert "schema_version" in field[bad[8]]


def test_bad_changes_among_good_ones(agency: Agency) -> None:
    """Each bad one goes alone, in a copy of its envelope; the good ones count."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    day: Json = {"start": "2026-12-02", "end": "2026-12-02"}
    bad: list[Json] = [
        shift("version", "7"),  # type: ignore[arg-type]
        shift("negative", -1),
        shift("no-zone", time_zone=None),
        shift("mars", time_zone="Mars/Olympus"),
        shift("naive", start="2026-12-02T07:00:00", end="2026-12-02T19:00:00"),
        shift("backwards", start="2026-12-02T07:00:00Z", end="2026-12-02T06:00:00Z"),
        shift("empty-day", **day),
        shift("mixed", start="2026-12-02", end="2026-12-02T07:00:00Z"),
        shift("long", title="t" * 4_097),
        shift("a/b"),
        shift("control\x1f"),
        shift("x" * 201),
        {"op": "replace", "shift": shift("op")["shift"]},
        {"op": "delete", "shift_id": "no-version"},
        {"op": "delete", "shift_id": "flag", "version": True},
    ]
    odd = ["text", None, 7]
    message = envelope(
        agency.id, calendar_id="ops", changes=[shift("first"), *bad, *odd, shift("last")], extra={"a": 1}
    )
    world.send("schedule-changed", message, key="k")
    u1.shows("first", "last")
    everything = [*bad, *odd]

    def mine() -> list[Record]:
        return [one for one in world.letters(agency.id) if one.headers["reason"] == "bad_change"]

    found = eventually(mine, lambda seen: len(seen) >= len(everything))
    copies = [one.json for one in found]
    assert sorted(map(json.dumps, copies)) == sorted(
        json.dumps(message | {"changes": [one]}) for one in everything
    )
    for letter in found:
        named(letter, world)
    errors = {json.dumps(one.json["changes"][0]): one.headers["error"] for one in found}
    assert "version" in errors[json.dumps(bad[0])]
    assert "time_zone" in errors[json.dumps(bad[2])]
    assert "title" in errors[json.dumps(bad[8])]
    assert "ttt" not in errors[json.dumps(bad[8])]


def test_bad_publications_and_commands(agency: Agency) -> None:
    """The other topics refuse as strictly; what is from the future is refused where time decides."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    agency.schedule(shift("s1"))
    u1.shows("s1")
    head: Json = {"calendar_id": "ops"}
    soon = datetime.now(UTC) + timedelta(minutes=4)
    future = datetime.now(UTC) + timedelta(minutes=7)

    def bad(topic: str, *messages: Json) -> list[str]:
        values: list[bytes | None] = [json.dumps(one).encode() for one in messages]
        world.send(topic, *values)
        return [one.headers["reason"] for one in letters(world, topic, values)]

    assert (
        bad(
            "calendar-published",
            envelope(agency.id, **head, version=2),
            envelope(agency.id, **head, version=2, published_through="31.12.2026"),
            envelope(agency.id, **head, version=2, published_through="2026-12-31T00:00:00Z"),
        )
        == ["bad_envelope"] * 3
    )
    assert (
        bad(
            "calendar-unpublished",
            envelope(agency.id, **head, version=3, reason="unpublished", published_through="2026-12-14"),
            envelope(agency.id, **head, version=3, reason="rolled_back", published_from="2026-12-14"),
            envelope(agency.id, **head, version=3, reason="because"),
        )
        == ["bad_envelope"] * 3
    )
    assert bad("user-deactivated", envelope(agency.id, at=future, user_id="u1")) == ["from_the_future"]
    assert bad(
        "sync-commands", envelope(agency.id, at=future, user_id="u1", command="disconnect", purge=True)
    ) == ["from_the_future"]
    assert (
        bad(
            "sync-commands",
            envelope(agency.id, user_id="u1", command="explode"),
            envelope(agency.id, user_id="u1"),
            envelope(agency.id, user_id="u1", command="disconnect", purge="yes"),
        )
        == ["bad_envelope"] * 3
    )
    # Facts about the schedule may be from any time: their versions decide.
    agency.schedule(shift("s2"), at=future)
    u1.shows("s1", "s2")
    u1.command("resync", soon)
    u1.keeps("s1", "s2")
    u1.is_told("in_sync")


def test_what_is_good_though_it_looks_odd(agency: Agency) -> None:
    """Unknown fields are ignored, an empty list of changes does nothing, ids may be of any script."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    before = len(world.records("dead-letters"))
    world.send(
        "schedule-changed",
        envelope(agency.id, calendar_id="ops", changes=[], schema_version=1),
        envelope(
            agency.id,
            calendar_id="ops",
            changes=[shift("Früh-早番 🚑"), shift("x" * 200, title="long id")],
            more=[1],
        ),
    )
    agency.schedule(shift("s1", colour="red", crew={"size": 2}))
    u1.shows("Früh-早番 🚑", "long id", "s1")
    assert u1.stands("Früh-早番 🚑")["extendedProperties"]["private"]["bgsId"] == "BGS_Früh-早番 🚑"
    world.settle()
    assert len(world.records("dead-letters")) == before


def test_messages_of_a_megabyte(agency: Agency) -> None:
    """A large good one is read whole, a large bad one is a dead letter whole."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    changes = [shift(f"s{n:02}", notes="n" * 25_000) for n in range(36)]
    agency.schedule(*changes)
    large = envelope(agency.id, calendar_id="ops", changes=7, padding="p" * 950_000)
    world.send("schedule-changed", large)
    u1.shows(*(f"s{n:02}" for n in range(36)))
    [letter] = letters(world, "schedule-changed", [json.dumps(large).encode()])
    named(letter, world)


def test_a_dead_letter_that_is_corrected(agency: Agency) -> None:
    """`redrive` with a corrected payload sends it back to where it came from, and it lands."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    agency.schedule(shift("s1", start="2026-12-02T07:00:00", end="2026-12-02T19:00:00", title="to be fixed"))
    [letter] = eventually(lambda: world.letters("to be fixed"), lambda seen: len(seen) == 1)
    number = f"{letter.partition}:{letter.offset}"
    fixed = world.home / f"{agency.id}.json"
    fixed.write_text(json.dumps(letter.json | {"changes": [shift("s1", title="fixed")]}))
    u1.keeps()
    assert number in world.must("dead-letters", "list", "--source", "schedule-changed").out
    world.must("dead-letters", "redrive", number, "--value", str(fixed))
    u1.shows("fixed")
    assert len(world.letters("to be fixed")) == 1
