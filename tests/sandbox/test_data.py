"""The made-up agency sends what any producer may send, and what should follow from it is told apart from what should not."""

from __future__ import annotations

import random
from datetime import date

import orjson
import pytest
from pydantic import TypeAdapter

from sandbox.data import Message, Upstream
from sandbox.expected import differences, expected
from sandbox.month import PEOPLE
from schemas.messages import CalendarPublished, CalendarUnpublished, ScheduleChanged, SyncCommand

ACCOUNTS = {person.user_id: person.account for person in PEOPLE}
SHAPES: dict[str, TypeAdapter[object]] = {
    "schedule-changed": TypeAdapter(ScheduleChanged),
    "calendar-published": TypeAdapter(CalendarPublished),
    "calendar-unpublished": TypeAdapter(CalendarUnpublished),
    "sync-commands": TypeAdapter(SyncCommand),
}


def year(upstream: Upstream) -> list[Message]:
    """One of everything."""
    return [
        *upstream.rosters(),
        *upstream.publish(),
        *upstream.edit(),
        *upstream.reassign(),
        *upstream.mass_modify(),
        *upstream.add_class(),
        *upstream.unpublish(),
        *upstream.publish(),
        *upstream.roll_back(),
        *upstream.resync(PEOPLE[0]),
    ]


@pytest.mark.parametrize("today", [date(2026, 3, 1), date(2026, 10, 25), date(2028, 2, 29)])
def test_every_message_is_valid(today: date) -> None:
    """Around the changes of summer time too."""
    for topic, value in year(Upstream(today)):
        SHAPES[topic].validate_json(orjson.dumps(value))


def test_the_order_of_messages_does_not_count() -> None:
    """Versions alone decide."""
    messages = year(Upstream(date(2026, 12, 7)))
    shuffled = random.Random(7).sample(messages, len(messages))
    assert expected(shuffled, ACCOUNTS) == expected(messages, ACCOUNTS)


def test_nothing_is_expected_before_a_publication_or_after_its_end() -> None:
    """Planned is not published; the standby calendar is published on its own."""
    upstream = Upstream(date(2026, 12, 7))
    planned = upstream.rosters()
    published = planned + upstream.publish()
    taken_back = published + upstream.unpublish()

    def titles(messages: list[Message]) -> set[str]:
        return {
            event.summary for events in expected(messages, ACCOUNTS).values() for event in events.values()
        }

    assert titles(planned) == set()
    assert titles(published) == {"Medic 12 Day", "Medic 12 Night", "Stadium standby", "On call"}
    assert titles(taken_back) == {"Stadium standby", "On call"}


def test_a_class_is_on_nobodys_calendar() -> None:
    """Its kind is not synced."""
    upstream = Upstream(date(2026, 12, 7))
    before = upstream.rosters() + upstream.publish()
    after = before + upstream.add_class()
    assert expected(before, ACCOUNTS) == expected(after, ACCOUNTS)


def test_differences_are_told_in_words() -> None:
    """What is missing, too many, or not as it should be."""
    upstream = Upstream(date(2026, 12, 7))
    wanted = expected(upstream.rosters() + upstream.publish(), ACCOUNTS)
    actual = {account: dict(events) for account, events in wanted.items()}
    account = PEOPLE[0].account
    first, second, third = list(actual[account])[:3]
    actual[account]["bgsother"] = actual[account].pop(first)
    actual[account][second] = actual[account][second]._replace(location="elsewhere")
    del actual[account][third]
    told = list(differences(wanted, actual))
    assert sorted(line.split(" ", 1)[1].partition(" 20")[2][9:] for line in told) == [
        "differs in location",
        "is missing",
        "is missing",
        "should not be there",
    ]
    assert list(differences(wanted, wanted)) == []


def test_a_month_that_is_sent_again() -> None:
    """With a later version everything of it is newer than what was sent before, and ends in the same calendars."""
    today = date(2026, 12, 7)
    first, again = Upstream(today, version=100), Upstream(today, version=200)
    earlier = [*first.rosters(), *first.publish(), *first.edit(), *first.unpublish()]
    later = [*again.rosters(), *again.publish()]
    fresh = Upstream(today)
    assert expected([*later, *earlier], ACCOUNTS) == expected([*fresh.rosters(), *fresh.publish()], ACCOUNTS)
