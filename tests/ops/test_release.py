"""`release`: one fact to whoever owns the calendar or the user."""

from __future__ import annotations

from schemas.facts import CalendarReleased, UserReleased
from streams import codec
from tests.ops.conftest import Shell, World


def test_a_calendar(world: World) -> None:
    """The fact stands under the calendar's key; asked again, it is another release."""
    ended = world("release", "metro-ems", "--calendar", "ops-2026-12")
    assert (ended.status, ended.err) == (0, "")
    assert "metro-ems/ops-2026-12" in ended.out
    assert world("release", "metro-ems", "--calendar", "ops-2026-12").status == 0
    found = world.read("shiftcal-calendar-facts")
    facts = [codec.calendar_fact(record.value or b"") for record in found]
    assert [record.key for record in found] == [b"metro-ems/ops-2026-12"] * 2
    assert all(isinstance(fact, CalendarReleased) for fact in facts)
    assert facts[0] != facts[1]


def test_a_user(world: World) -> None:
    """The fact stands under the user's key."""
    assert world("release", "metro-ems", "--user", "u-17").status == 0
    (record,) = world.read("shiftcal-user-facts")
    fact = codec.user_record(record.value or b"")
    assert record.key == b"metro-ems/u-17"
    assert isinstance(fact, UserReleased)


def test_no_kafka(shiftcal: Shell) -> None:
    """One line names the setting, and the status is 1."""
    ended = shiftcal("release", "metro-ems", "--user", "u-17", kafka_bootstrap="127.0.0.1:1")
    assert (ended.status, ended.out) == (1, "")
    assert "SHIFTCAL_KAFKA_BOOTSTRAP" in ended.complaint
