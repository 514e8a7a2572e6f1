"""What a person is shown of the own row."""

from __future__ import annotations

from planning.plan import plan
from planning.preferences import policy_for
from planning.standing import MOST, view
from planning.users import Terms, fold
from schemas.facts import Published
from schemas.policy import HoldRemovals, Policy
from schemas.preferences import Preferences
from schemas.rows import Connection, Drift, Refusal, UserRow
from schemas.views import View
from tests.planning.build import (
    CALENDAR,
    KEEP,
    NOW,
    REMOVE,
    applied,
    at,
    contribution,
    google,
    in_step,
    row,
    wish,
)
from tests.planning.test_breaker import FOUR, HELD, HOLD

TWO = {"1": wish(title="Day"), "2": wish(title="Night", start=at(hours=2), end=at(hours=10))}


def shown(of: UserRow, policy: Policy = REMOVE) -> list[tuple[str, str]]:
    return [(one.title, one.place) for one in view(of, policy, NOW).shifts]


def test_everything_stands() -> None:
    """The next shift first, each as it is in Google."""
    seen = view(in_step(TWO), REMOVE, NOW)
    assert [(one.title, one.place) for one in seen.shifts] == [("Night", "in_google"), ("Day", "in_google")]
    assert (seen.wanted, seen.in_google, seen.ahead) == (2, 2, 2)
    assert plan(in_step(TWO), REMOVE, NOW) == ()


def test_half_of_it_stands() -> None:
    """What is still to be written says so, an old version too."""
    old = applied(wish(title="Early", start=at(hours=2), end=at(hours=10)), "2")
    assert shown(row(TWO)) == [("Night", "waiting"), ("Day", "waiting")]
    half = row(TWO, applied={google("1"): applied(TWO["1"]), google("2"): old})
    assert shown(half) == [("Night", "waiting"), ("Day", "in_google")]
    assert view(half, REMOVE, NOW).in_google == 1


def test_why_a_shift_is_there() -> None:
    """Calendar, version, and the message that published it with its time."""
    said = contribution(1, {"1": wish(version=7)}, published=Published(version=4, at=at(days=-3)))
    after = fold(row(None), said, Terms(REMOVE, NOW)).row
    (one,) = view(after, REMOVE, NOW).shifts
    assert (one.calendar_id, one.version, one.published) == (
        CALENDAR,
        7,
        Published(version=4, at=at(days=-3)),
    )


def test_a_title_of_the_agency() -> None:
    """The title is the one that the event shows."""
    dressed = Policy(title="{{ title }} in {{ calendar_id }}")
    assert [title for title, _ in shown(row(TWO), dressed)] == ["Night in dec", "Day in dec"]


def test_a_choice_of_the_users() -> None:
    """What counts of it decides whether the event stands as it should, and what is shown of it."""
    with_place = {"1": wish(location="Station 4")}
    leave = Policy(user_may_choose=frozenset({"colour", "details"}))
    before = in_step(with_place)
    chosen = Preferences(colour="grape", details="title_only")
    after = before.model_copy(update={"preferences": chosen})
    assert [(s.place, s.location) for s in view(after, REMOVE, NOW).shifts] == [("in_google", "Station 4")]
    assert [(s.place, s.location) for s in view(after, leave, NOW).shifts] == [("waiting", None)]
    stands = applied(with_place["1"], policy=policy_for(after, leave))
    written = after.model_copy(update={"applied": {google(): stands}})
    assert [s.place for s in view(written, leave, NOW).shifts] == ["in_google"]


def test_what_google_refused() -> None:
    """It is not said to be on its way."""
    first = applied(TWO["1"])
    refusal = Refusal(fingerprint=first.fingerprint, error="Invalid", end=first.end)
    assert ("Day", "refused") in shown(row(TWO, refused={"dec/1": refusal}))


def test_what_its_user_deleted() -> None:
    """Under a policy that respects it, it is left, not waiting."""
    note = Drift(kind="deleted", version=1, end=at(days=2))
    gone = row({"1": TWO["1"]}, drift={"dec/1": note})
    assert shown(gone, Policy(on_drift="respect_deletion")) == [("Day", "left")]
    assert shown(gone) == [("Day", "waiting")]


def test_what_is_over_or_not_synced() -> None:
    """An ended shift counts and is not named, a class does neither."""
    wishes = {
        "over": wish(start=at(days=-2), end=at(days=-1)),
        "class": wish(kind="training"),
    }
    seen = view(row(wishes), REMOVE, NOW)
    assert (seen.wanted, seen.ahead, seen.shifts) == (1, 0, ())


def test_more_than_are_named() -> None:
    """All are counted, the next are named."""
    many = {str(n): wish(start=at(days=n), end=at(days=n, hours=1)) for n in range(1, MOST + 5)}
    seen = view(row(many), REMOVE, NOW)
    assert (seen.ahead, len(seen.shifts), seen.shifts[-1].shift_id) == (MOST + 4, MOST, str(MOST))


def test_days_beside_times() -> None:
    """A day stands for its midnight."""
    wishes = {"1": TWO["1"], "day": wish(start=NOW.date(), end=at(days=2).date(), time_zone=None)}
    assert [one.shift_id for one in view(row(wishes), REMOVE, NOW).shifts] == ["day", "1"]


def test_removals_that_are_held() -> None:
    """How many, by calendar, as the status has them."""
    seen = view(HELD, HOLD, NOW)
    assert (seen.held, seen.kept) == ({CALENDAR: 3}, {})
    assert [one.shift_id for one in seen.shifts] == ["4"]
    assert view(HELD, Policy(hold_removals_over=HoldRemovals(share=0.9, count=10)), NOW).held == {}


def test_somebody_of_whom_nothing_was_heard() -> None:
    """Events of ours without any word of a shift are held."""
    assert view(in_step(FOUR).model_copy(update={"calendars": {}}), REMOVE, NOW).held == {CALENDAR: 4}


def test_a_calendar_that_is_kept() -> None:
    """What an un-publish leaves is told apart from what is on its way out."""
    before = in_step(TWO)
    after = fold(before, contribution(1, {}, standing="unpublished"), Terms(KEEP, NOW)).row
    assert view(after, KEEP, NOW).kept == {CALENDAR: 2}
    assert view(after, REMOVE, NOW).kept == {}


def test_somebody_who_stopped() -> None:
    """Nothing is said of shifts that are not synced any more."""
    stopped = in_step(TWO, connection=Connection(state="disconnected", occurred_at=NOW))
    assert view(stopped, REMOVE, NOW) == View()


def test_a_view_on_its_way() -> None:
    """What is stored is read back as it was."""
    seen = view(
        in_step(TWO | {"day": wish(start=NOW.date(), end=at(days=2).date(), time_zone=None)}), REMOVE, NOW
    )
    assert View.model_validate_json(seen.model_dump_json()) == seen
