"""What counts for a quarter of an hour: refusals of Google's, and errors of those who write messages.

One deployment for all of them, since each alert stays for as long as its window: the last drill here waits for their end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.drill.stage import Drill, deployed
from tests.drill.watch import Record, Watch
from tests.e2e.messages import in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency
from tests.kafka import Kafka

#: The rules' window, and a bit.
WINDOW_S = 15 * 60 + 30


@pytest.fixture(scope="module")
def drill(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    with deployed(kafka, tmp_path_factory.mktemp("upstream")) as drill:
        drill.start().wait_ready()
        yield drill


@pytest.fixture(scope="module")
def agency(drill: Drill) -> Agency:
    return drill.staffed(6)


@pytest.fixture(scope="module")
def watches() -> list[Watch]:
    """What is repaired, and still true for a while."""
    return []


def test_dead_letters(drill: Drill, agency: Agency, watches: list[Watch]) -> None:
    """One that cannot be read is looked at; one of a clock that is fast is sent again once its time has come."""
    user = agency.users[5]
    watch = drill.watch("ShiftcalDeadLetters", "unreadable, and from the future; looked at, `redrive`")
    watch.broken()
    drill.world.send("schedule-changed", b'{"event_id": ')
    user.command("disconnect", at=datetime.now(UTC) + timedelta(minutes=5, seconds=30))
    found = watch.turns_true()
    assert found[0]["metric"]["topic"] in {"schedule-changed", "sync-commands"}
    watch.repaired()
    listed = drill.world.must("dead-letters", "list", "--json").out
    letters = {one["reason"]: one for one in json.loads(listed)}
    assert letters.keys() == {"not_json", "from_the_future"}
    assert "event_id" in drill.world.must("dead-letters", "show", letters["not_json"]["number"]).out
    time.sleep(35)
    drill.world.must("dead-letters", "redrive", "--all", "--reason", "from_the_future", "--only-readable")
    user.is_told("stopped")
    watches.append(watch)


def test_version_conflicts(drill: Drill, agency: Agency, watches: list[Watch]) -> None:
    """One version with two contents: the log names the message."""
    watch = drill.watch("ShiftcalVersionConflicts", "one version, two contents; upstream told")
    watch.broken()
    agency.schedule(shift("u000-0", 1, "u000", title="another", start=in_days(2)))
    watch.turns_true()
    log = drill.workers["one"].log.read_text()
    assert f"{drill.world.prefix}schedule-changed partition" in log
    watch.repaired()
    watches.append(watch)


def test_refused(drill: Drill, agency: Agency, watches: list[Watch]) -> None:
    """Google takes none of a user's changes; once that is mended, a resync brings them."""
    user = agency.users[1]
    watch = drill.watch("ShiftcalRefused", "400 for one account; mended, `shiftcal resync`")
    watch.broken()
    fault = drill.google.fault(
        "status", status=400, reason="invalid", method="events.insert", account=user.account
    )
    agency.schedule(shift("no", 1, user.id))
    watch.turns_true()
    refused = [one for one in drill.world.results(user) if one["action"] == "refused"]
    assert [one["shift_id"] for one in refused] == ["no"]
    watch.repaired()
    drill.google.mend(fault)
    drill.world.must("resync", "metro")
    user.shows("u001-0", "no")
    watches.append(watch)


def test_rate_limited(drill: Drill, agency: Agency, watches: list[Watch]) -> None:
    """Google's quota is lower than the settings say; they are corrected, and the worker restarted."""
    watch = drill.watch("ShiftcalRateLimited", "a lower quota than set; settings corrected")
    watch.broken()
    drill.google.ask("PUT", "quota", {"project_per_minute": 60})
    for user in agency.users[:5]:
        agency.schedule(*(shift(f"{user.id}-r{n}", 1, user.id, start=in_days(3 + n)) for n in range(40)))
    watch.turns_true(120)
    watch.repaired()
    drill.stop()
    drill.start(google_project_per_minute=60).wait_ready()
    since = drill.prometheus.number('sum(shiftcal_google_calls_total{answer="RateLimited"})')
    assert since == 0
    seen = eventually(lambda: sum(len(u.titles()) for u in agency.users), lambda n: n >= 200, seconds=400)
    assert seen >= 200
    assert drill.prometheus.number('sum(shiftcal_google_calls_total{answer="RateLimited"})') == 0
    watches.append(watch)


def test_a_quarter_of_an_hour_later(watches: list[Watch], record_property: Record) -> None:
    """Nothing of the kind came again, and all four are quiet."""
    assert len(watches) == 4
    for watch in watches:
        watch.turns_false(record_property, WINDOW_S)
