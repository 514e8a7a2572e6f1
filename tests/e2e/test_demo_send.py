"""`demo --send`: the demo's month through a deployment that runs already."""

from __future__ import annotations

import re

from sandbox.expected import ours
from sandbox.month import PEOPLE
from streams.settings import Settings
from tests.e2e.conftest import NewWorld
from tests.e2e.google import Google

IN_STEP = re.compile(r"in step: (\d+) events on 3 calendars")


def test_sent_twice(new_world: NewWorld, google: Google) -> None:
    """It ends once every calendar shows the month; sent again it costs no call, and people's own events are left alone."""
    world = new_world(google)
    world.must("topics", "create")
    worker = world.start().wait_ready()
    first = world.must("demo", "--send")
    count = IN_STEP.search(first.out)
    assert count, first
    assert "3 people connected" in first.out
    standing = {person.account: google.events(person.account) for person in PEOPLE}
    assert sum(len(ours(events)) for events in standing.values()) == int(count[1])
    assert all(len(events) - len(ours(events)) == 1 for events in standing.values())
    calls = google.stats()["committed"]
    taken = worker.number("shiftcal_messages_total")
    again = world.must("demo", "--send")
    assert "0 people connected" in again.out
    world.settle()
    assert worker.number("shiftcal_messages_total") == taken + 4
    assert google.stats()["committed"] == calls
    assert {person.account: google.events(person.account) for person in PEOPLE} == standing


def test_calls_go_to_google(new_world: NewWorld, google: Google) -> None:
    """Its people exist in the stand-in alone: nothing is sent, and nothing is wrong."""
    done = new_world(google).must(
        "demo", "--send", google_api_url=Settings.model_fields["google_api_url"].default
    )
    assert "nothing was sent" in done.out


def test_no_stand_in(new_world: NewWorld, google: Google) -> None:
    """One line says what is to be started."""
    done = new_world(google).shiftcal("demo", "--send", google_api_url="http://127.0.0.1:9")
    assert done.status == 1
    assert "SHIFTCAL_GOOGLE_API_URL" in done.complaint


def test_with_parts_of_its_own(new_world: NewWorld, google: Google) -> None:
    """The page and the script start everything themselves: both at once is wrong use."""
    assert new_world(google).shiftcal("demo", "--send", "--script").status == 2
