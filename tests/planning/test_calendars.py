"""One calendar: which rows a fact changes, and what its users are told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from planning.calendars import Folded, fold_release, fold_shifts, fold_standing
from planning.steps import whole
from schemas.facts import CalendarReleased, Changes, PublicationChanged, Published, ShiftsChanged
from schemas.messages import Delete, Upsert
from schemas.rows import RosterRow
from tests.planning.build import AGENCY, CALENDAR, NOW, at, cause, delete, upsert
from tests.planning.world import Rows, Tables

PLACE = (AGENCY, CALENDAR)


class Calendar:
    """The rows of one calendar, and the offset of the next fact."""

    def __init__(self) -> None:
        self.tables, self.offset = Tables(), 0

    def shifts(self, *changes: Upsert | Delete) -> Folded:
        return self.messages(Changes(changes=changes, cause=cause(self.offset)))

    def messages(self, *messages: Changes) -> Folded:
        """Fold several messages that waited together."""
        fact = ShiftsChanged(agency_id=AGENCY, calendar_id=CALENDAR, messages=messages)
        return self._stored(whole(fold_shifts(fact, self.offset, Rows(self.tables, PLACE), NOW)))

    def publish(self, version: int = 1, through: date = date(2026, 12, 31)) -> Folded:
        fact = PublicationChanged(
            agency_id=AGENCY,
            calendar_id=CALENDAR,
            version=version,
            standing="published",
            published_through=through,
            cause=cause(self.offset),
        )
        return self._stored(whole(fold_standing(fact, self.offset, Rows(self.tables, PLACE), NOW)))

    def _stored(self, folded: Folded) -> Folded:
        self.offset += 1
        if folded.publication is not None:
            self.tables.publications[PLACE] = folded.publication
        self.tables.assignments |= {(*PLACE, shift): row for shift, row in folded.assignments.items()}
        self.tables.rosters |= {(*PLACE, user): row for user, row in folded.rosters.items()}
        return folded


def told(folded: Folded) -> dict[str, set[str]]:
    """Return the shifts that each user is told to see."""
    return {c.user_id: set(c.wishes) for c in folded.contributions}


def test_thousands_at_once() -> None:
    """Every change, and every member, is a step of its own: whoever folds them has a heartbeat to send meanwhile."""
    calendar, users = Calendar(), 30
    changes = tuple(
        upsert(f"{user}-{shift}", user_id=f"u{user}") for user in range(users) for shift in range(2)
    )
    messages = (Changes(changes=changes, cause=cause(0)),)
    fact = ShiftsChanged(agency_id=AGENCY, calendar_id=CALENDAR, messages=messages)
    assert sum(1 for _ in fold_shifts(fact, 0, Rows(calendar.tables, PLACE), NOW)) == len(changes) + users
    calendar.messages(*messages)
    calendar.publish()
    withdrawn = PublicationChanged(
        agency_id=AGENCY, calendar_id=CALENDAR, version=2, standing="unpublished", cause=cause(2)
    )
    assert sum(1 for _ in fold_standing(withdrawn, 2, Rows(calendar.tables, PLACE), NOW)) == users
    released = CalendarReleased(agency_id=AGENCY, calendar_id=CALENDAR, release_id="one")
    assert sum(1 for _ in fold_release(released, 3, Rows(calendar.tables, PLACE))) == users


def test_a_shift_in_an_unpublished_calendar() -> None:
    """Its user is told an empty contribution: nothing is wanted, which is not the same as never heard of."""
    folded = Calendar().shifts(upsert())
    assert told(folded) == {"ann": set()}
    assert folded.contributions[0].standing == "never"


def test_a_publication_tells_every_member() -> None:
    """Whoever was ever spoken of is told, with an empty roster too."""
    calendar = Calendar()
    calendar.shifts(upsert("1"), upsert("2", user_id="bob"), upsert("3", user_id="bob"))
    calendar.shifts(upsert("1", version=2, user_id="bob"))
    assert told(calendar.publish()) == {"ann": set(), "bob": {"1", "2", "3"}}


def test_one_change_in_a_calendar_of_many() -> None:
    """It reads and writes one assignment and the rosters of those it concerns."""
    calendar = Calendar()
    calendar.publish()
    calendar.shifts(*(upsert(str(n), user_id=f"u{n}") for n in range(50)))
    folded = calendar.shifts(upsert("7", version=2, user_id="u8"))
    assert (set(folded.assignments), set(folded.rosters)) == ({"7"}, {"u7", "u8"})
    assert told(folded) == {"u8": {"7", "8"}, "u7": set()}


def test_a_contribution_is_the_whole_of_it() -> None:
    """The user is told all published shifts of the calendar, not the one that changed, and by which record."""
    calendar = Calendar()
    calendar.publish()
    calendar.shifts(upsert("1"))
    (one,) = calendar.shifts(upsert("2")).contributions
    assert (set(one.wishes), one.revision, one.cause.offset) == ({"1", "2"}, 2, 2)


def test_a_shift_is_taken_away() -> None:
    """The old user's contribution says which version did it."""
    calendar = Calendar()
    calendar.publish()
    calendar.shifts(upsert("1", version=3))
    (one,) = calendar.shifts(delete("1", version=4)).contributions
    assert (one.wishes, one.touched) == ({}, {"1": 4})


def test_one_message_changes_a_shift_several_times() -> None:
    """Only how it ends counts, in whatever order it is written there."""
    for changes in (
        (upsert(), upsert(version=2, user_id="bob")),
        (upsert(version=2, user_id="bob"), upsert()),
    ):
        calendar = Calendar()
        calendar.publish()
        assert told(calendar.shifts(*changes)) == {"ann": set(), "bob": {"1"}}
        assert calendar.tables.rosters[(*PLACE, "ann")] == RosterRow()


def test_a_crash_between_the_assignment_and_the_rosters() -> None:
    """Delivered again, the change takes the shift from its old user all the same."""
    calendar = Calendar()
    calendar.publish()
    calendar.shifts(upsert())
    rosters = dict(calendar.tables.rosters)
    calendar.shifts(upsert(version=2, user_id="bob"))
    calendar.tables.rosters = rosters
    assert told(calendar.shifts(upsert(version=2, user_id="bob"))) == {"bob": {"1"}, "ann": set()}
    assert calendar.tables.rosters[(*PLACE, "ann")] == RosterRow()


def test_a_crash_that_loses_two_contributions() -> None:
    """Delivered again, the older change tells its users, though it is older news by now."""
    calendar = Calendar()
    calendar.publish()
    calendar.shifts(upsert())
    calendar.shifts(upsert(version=2, user_id="bob"))
    calendar.shifts(upsert(version=3, user_id="cyd"))
    assert told(calendar.shifts(upsert(version=2, user_id="bob"))) == {
        "bob": set(),
        "cyd": {"1"},
        "ann": set(),
    }


def test_a_late_message_makes_a_member() -> None:
    """Its user is told of later publications, though the shift is somebody else's by now."""
    calendar = Calendar()
    calendar.shifts(upsert(version=2, user_id="bob"))
    assert told(calendar.shifts(upsert())) == {"ann": set(), "bob": set()}
    assert told(calendar.publish()) == {"ann": set(), "bob": {"1"}}


def test_a_publication_that_lost() -> None:
    """The members are told what stands, so that one delivered again repairs what a crash left undone."""
    calendar = Calendar()
    calendar.shifts(upsert())
    calendar.publish(2)
    folded = calendar.publish(1, date(2026, 1, 1))
    assert (folded.publication, told(folded)) == (None, {"ann": {"1"}})


def test_conflicts_are_counted() -> None:
    """Each version with two contents is one."""
    calendar = Calendar()
    folded = calendar.shifts(upsert("1"), upsert("1", title="Night"), upsert("2"), delete("2"))
    assert len(folded.conflicts) == 2


def test_what_is_long_over() -> None:
    """It leaves the roster at the next touch, and comes back when an edit moves it."""
    calendar = Calendar()
    calendar.publish()
    old: dict[str, Any] = {"start": at(days=-40), "end": at(days=-40) + timedelta(hours=8)}
    assert told(calendar.shifts(upsert("1", **old), upsert("2"))) == {"ann": {"2"}}
    assert told(calendar.shifts(upsert("1", version=2))) == {"ann": {"1", "2"}}


def test_shifts_of_other_calendars_and_agencies() -> None:
    """They share no row, even with the same ids."""
    calendar = Calendar()
    calendar.publish()
    calendar.shifts(upsert())
    changes = Changes(changes=(delete(version=9),), cause=cause())
    fact = ShiftsChanged(agency_id=AGENCY, calendar_id="jan", messages=(changes,))
    folded = whole(fold_shifts(fact, 9, Rows(calendar.tables, (AGENCY, "jan")), NOW))
    assert (folded.contributions, folded.rosters) == ((), {})


def test_by_which_publication_a_calendar_stands() -> None:
    """Every contribution names the message that won, a change of a shift too; an older one is not named."""
    calendar = Calendar()
    assert calendar.shifts(upsert()).contributions[0].published is None
    for version in (4, 3):
        (one,) = calendar.publish(version).contributions
        assert one.published == Published(version=4, at=NOW)
    (one,) = calendar.shifts(upsert(version=2)).contributions
    assert one.published == Published(version=4, at=NOW)
