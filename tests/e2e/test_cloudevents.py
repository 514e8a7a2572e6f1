"""CloudEvents on a real Kafka: their headers arrive, and a letter can be sent again."""

from __future__ import annotations

import json

from tests.e2e.messages import envelope, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency
from tests.planning.wrapped import binary, data, structured, texts


def test_a_binary_event_with_a_bad_change(agency: Agency) -> None:
    """The good change lands; the bad one's letter keeps the event's headers, is corrected, sent again, and lands."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    event = envelope(
        agency.id,
        calendar_id="ops",
        changes=[shift("s1"), shift("s2", title="to fix", version="1")],  # type: ignore[arg-type]
    )
    world.broker.send(
        world.prefix + "schedule-changed", [json.dumps(data(event)).encode()], headers=binary(event)
    )
    u1.shows("s1")
    [letter] = eventually(lambda: world.letters("to fix"), lambda seen: len(seen) == 1)
    assert texts(binary(event)).items() <= letter.headers.items()
    assert (letter.headers["reason"], letter.json["changes"]) == ("bad_change", event["changes"][1:])
    fixed = world.home / f"{agency.id}.json"
    fixed.write_text(json.dumps(letter.json | {"changes": [shift("s2", title="fixed")]}))
    world.must("dead-letters", "redrive", f"{letter.partition}:{letter.offset}", "--value", str(fixed))
    u1.shows("fixed", "s1")
    caused = [one["caused_by"] for one in world.results(u1)]
    assert {one["event_id"] for one in caused} == {event["event_id"]}


def test_events_that_are_replayed(agency: Agency) -> None:
    """A replay reads them as intake did: every one is counted, none is unreadable."""
    world, [u1, _] = agency.world, agency.users
    agency.publish()
    first, second = (envelope(agency.id, calendar_id="ops", changes=[shift(name)]) for name in ("s1", "s2"))
    world.send("schedule-changed", structured(first))
    world.broker.send(
        world.prefix + "schedule-changed", [json.dumps(data(second)).encode()], headers=binary(second)
    )
    u1.shows("s1", "s2")
    before = world.must("replay", "schedule-changed", "--dry-run", "--no-resync").out
    world.send("schedule-changed", structured(first))
    world.broker.send(
        world.prefix + "schedule-changed", [json.dumps(data(second)).encode()], headers=binary(second)
    )
    after = world.must("replay", "schedule-changed", "--dry-run", "--no-resync").out
    (messages, facts), (more, parts) = (
        [int(word) for word in said.replace(",", "").split() if word.isdecimal()][:2]
        for said in (before, after)
    )
    assert (more, parts) == (messages + 2, facts + 2)
