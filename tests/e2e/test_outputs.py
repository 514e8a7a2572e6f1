"""What the product tells the world: results and statuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.messages import envelope, gone, in_days, shift, text
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency


def test_results(agency: Agency) -> None:
    """One for each change that reached Google, caused by the newest message that changed the wish."""
    u1, _ = agency.users
    world = agency.world
    first = envelope(agency.id, calendar_id="ops", changes=[shift("s1", 4), shift("s2", 1)])
    publication = envelope(agency.id, calendar_id="ops", version=1, published_through="2027-12-31")
    edit = envelope(agency.id, calendar_id="ops", changes=[shift("s1", 5, title="edited"), gone("s2", 2)])
    world.send("schedule-changed", first)
    world.settle()
    world.send("calendar-published", publication)
    u1.shows("s1", "s2")
    world.send("schedule-changed", edit)
    u1.shows("edited")
    found = eventually(lambda: world.results(u1), lambda seen: len(seen) >= 4)
    told = {(one["shift_id"], one["action"]): one for one in found}
    assert set(told) == {("s1", "inserted"), ("s2", "inserted"), ("s1", "patched"), ("s2", "deleted")}
    assert len(found) == 4
    assert [told["s1", "inserted"]["version"], told["s1", "patched"]["version"]] == [4, 5]
    assert told["s2", "deleted"]["version"] == 2
    for (_, action), result in told.items():
        cause = publication if action == "inserted" else edit
        assert result["caused_by"]["event_id"] == cause["event_id"]
        assert datetime.fromisoformat(result["caused_by"]["occurred_at"]) == datetime.fromisoformat(
            cause["occurred_at"]
        )
        topic = "calendar-published" if action == "inserted" else "schedule-changed"
        assert result["caused_by"]["topic"] == world.prefix + topic
        place = result["caused_by"]["partition"], result["caused_by"]["offset"]
        [record] = [one for one in world.records(topic) if (one.partition, one.offset) == place]
        assert record.json == cause
        assert result["google_event_id"] == u1.id_of(result["shift_id"])
        assert result["calendar_id"] == "ops"
        assert 0 <= result["latency_ms"] < 30_000
        assert result.get("error") is None
        assert datetime.now(UTC) - datetime.fromisoformat(result["at"]) < timedelta(minutes=2)


def test_results_of_a_look(agency: Agency) -> None:
    """What a connect or a resync repairs is caused by the command."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"))
    u1.shows("s1")
    u1.google.alter(u1.calendar, u1.id_of("s1"), {"summary": "mine"})
    u1.command("resync")
    u1.shows("s1")
    found = eventually(lambda: agency.world.results(u1), lambda seen: len(seen) >= 2)
    assert [one["action"] for one in found] == ["inserted", "patched"]
    assert found[1]["caused_by"]["topic"] == agency.world.prefix + "sync-commands"


def test_what_google_refuses_for_good(agency: Agency) -> None:
    """It is told once, not tried again until it changes, and holds up nothing else."""
    u1, _ = agency.users
    agency.publish()
    agency.world.settle()
    since = u1.google.mark()
    fault = u1.google.fault(
        "status", method="events.insert", account=u1.account, status=400, reason="invalid", times=1
    )
    agency.schedule(shift("refused"))
    found = eventually(lambda: agency.world.results(u1), bool)
    u1.google.mend(fault)
    assert [one["action"] for one in found] == ["refused"]
    assert found[0]["error"]
    agency.schedule(shift("s1"))
    u1.keeps("s1")
    u1.is_told("in_sync", "refused")
    assert u1.calls(since) == ["insert", "insert"]
    agency.schedule(shift("refused", 2, title="corrected"))
    u1.shows("s1", "corrected")
    u1.is_told("in_sync")


def test_status_while_work_waits(agency: Agency) -> None:
    """How many writes wait and since when; afterwards nothing does, and the topic keeps the user's key."""
    u1, _ = agency.users
    agency.publish()
    agency.world.settle()
    begun = datetime.now(UTC) - timedelta(seconds=2)
    with u1.slow(1_500):
        agency.schedule(*(shift(f"s{n}", start=in_days(2 + n)) for n in range(6)))
        busy = u1.is_told("syncing")
        assert 1 <= busy["pending"] <= 6
        assert datetime.fromisoformat(busy["oldest_pending_at"]) > begun
        u1.shows(*(f"s{n}" for n in range(6)))
    done = u1.is_told("in_sync")
    assert done["pending"] == 0
    assert done.get("oldest_pending_at") is None
    assert datetime.fromisoformat(done["last_synced_at"]) > begun
    assert text(datetime.fromisoformat(done["last_synced_at"]))


def test_a_bad_day_of_google(agency: Agency) -> None:
    """Errors that pass are waited out: answers lost after the work was done double nothing."""
    u1, _ = agency.users
    agency.publish()
    agency.world.settle()
    for fault in (
        {"kind": "drop", "method": "events.insert", "commit": True, "times": 2},
        {"kind": "status", "method": "events.*", "status": 503, "times": 2},
        {"kind": "html", "method": "events.*", "status": 502, "times": 1},
        {"kind": "unauthorized", "method": "events.*", "times": 1},
    ):
        u1.google.fault(str(fault.pop("kind")), account=u1.account, **fault)
    agency.schedule(*(shift(f"s{n}") for n in range(4)))
    u1.shows("s0", "s1", "s2", "s3")
    u1.keeps("s0", "s1", "s2", "s3")
    u1.is_told("in_sync")
    assert len(u1.google.events(u1.calendar, deleted=True)) == 4
