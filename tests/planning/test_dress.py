"""Colour, details, busy or free: what reaches a calendar, what is given back, and what is never touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcal.memory import MemoryGoogle
from planning.answers import Attempt, begin, proceed
from planning.body import event_fingerprint, fingerprint, render
from planning.dress import covered, left_over, spelled, standing
from planning.plan import plan
from planning.record import record
from planning.verify import fold_seen
from schemas.answers import Held
from schemas.facts import Wish
from schemas.mutations import EventBody, Insert
from schemas.outcomes import Stored
from schemas.policy import Policy
from schemas.preferences import COLOUR_IDS, Preferences
from schemas.rows import UserRow
from tests.planning.build import CALENDAR, NOW, REMOVE, google, row, wish
from tests.planning.test_rules import ANN, ID, METRO, RED, Town
from tests.planning.test_verify import seen

COLOURED = Policy(colour=(("shift", "tangerine"),))
FREE = Policy(show_as="free")
BUSY = Policy(show_as="busy")
BOTH = Policy(colour=(("*", "grape"),), show_as="free")
TITLES = Policy(details="title_only")
CHOICE = Policy(user_may_choose=frozenset({"colour", "show_as", "details"}))
STRIPPING = "stripping"


def becomes(town: Town, policy: Policy) -> Town:
    """The agency changes its policies: workers start again."""
    town.policies[METRO] = policy
    town.crash(0)
    return town.rest()


def at_work(policy: Policy = REMOVE, account: str = RED) -> Town:
    """Return a town with one shift of Ann's on her calendar, nothing counted yet."""
    town = Town(policy)
    if account == STRIPPING:
        town.google.strip_properties(STRIPPING)
        town.connect(ANN, STRIPPING)
    town.shift(location="Station 4", notes="Radio")
    town.rest()
    town.made()
    return town


def event(town: Town, account: str = RED) -> EventBody:
    return town.google.standing(account)[ID]


def dress(town: Town, account: str = RED) -> tuple[str | None, str | None]:
    stands = event(town, account)
    return stands.get("colorId"), stands.get("transparency")


@pytest.mark.parametrize(
    ("policy", "wears"), [(REMOVE, (None, None)), (COLOURED, ("6", None)), (BOTH, ("3", "transparent"))]
)
def test_an_insert(policy: Policy, wears: tuple[str | None, str | None]) -> None:
    """It has what the agency has set, and nothing else; one call, and no other after it."""
    town = Town(policy)
    town.shift()
    assert dress(town.rest()) == wears
    assert [c for c in town.made() if c != "get"] == ["insert"]
    town.look_again()
    assert town.made() == []


def test_a_kind_without_a_colour() -> None:
    """Its events keep the calendar's."""
    town = Town(COLOURED.model_copy(update={"synced_kinds": frozenset({"class", "shift"})}))
    town.shift(kind="class")
    assert dress(town.rest()) == (None, None)


def test_another_kind() -> None:
    """The shift has another colour from then on, or none: one patch."""
    both = Policy(synced_kinds=frozenset({"a", "b", "c"}), colour=(("a", "sage"), ("b", "tomato")))
    town = Town(both)
    for version, (kind, colour) in enumerate((("a", "2"), ("b", "11"), ("c", None), ("a", "2")), 1):
        town.shift(kind=kind, version=version)
        assert dress(town.rest())[0] == colour
        assert [call for call in town.made() if call != "get"] == ["insert" if version == 1 else "patch"]


@pytest.mark.parametrize("account", [RED, STRIPPING])
@pytest.mark.parametrize(
    ("policy", "wears"),
    [(COLOURED, ("6", None)), (FREE, (None, "transparent")), (BOTH, ("3", "transparent"))],
)
def test_a_policy_comes_and_goes(policy: Policy, wears: tuple[Any, Any], account: str) -> None:
    """One patch dresses the event, one gives its fields back; then they are the user's, and nobody touches them."""
    town = at_work(account=account)
    assert dress(becomes(town, policy), account) == wears
    assert town.made() == ["patch"]
    assert dress(becomes(town, REMOVE), account) == (None, None)
    assert town.made() == ["patch"]
    own = {"colorId": "8", "transparency": "transparent"}
    town.google.alter(account, ID, own)
    town.look_again()
    town.shift(version=2, title="Night")
    town.rest()
    assert event(town, account)["summary"] == "Night"
    assert dress(town, account) == ("8", "transparent")


def test_busy() -> None:
    """Google leaves the default out of its answers; the event is as wished all the same, and altered by nobody."""
    town = at_work(BUSY)
    town.look_again()
    assert town.made() == []
    town.google.alter(RED, ID, {"transparency": "transparent"})
    town.look_again()
    assert (dress(town)[1] in {None, "opaque"}, town.made()) == (True, ["patch"])


def test_an_upgrade() -> None:
    """Fingerprints are those of every release before, whatever the templates: no calendar is written anew."""
    start = datetime(2026, 12, 2, 12, tzinfo=UTC)
    timed = wish(start=start, end=start + timedelta(hours=8), location="Station 4", notes="Radio")
    day = wish(start=date(2026, 12, 2), end=date(2026, 12, 3), time_zone=None)
    dressed = Policy(title="{{ title }} @ {{ location }}", description="{{ kind }}")
    got = [fingerprint(CALENDAR, "1", w, p) for w in (timed, day) for p in (REMOVE, dressed)]
    assert got == [
        "df3d3270532e3724",
        "38c135fa65139470",
        "814d832dccfd15a2",
        "514249554376c63a",
    ]


def test_the_users_own_colour() -> None:
    """Where nobody has set one it stays, through looks, edits, a lost state, and a policy about something else."""
    town = at_work()
    town.google.alter(RED, ID, {"colorId": "8"})
    town.look_again()
    assert town.made() == []
    becomes(town, FREE)
    town.lose_everything()
    town.rest().look_again()
    assert dress(town) == ("8", "transparent")
    becomes(town, REMOVE)
    assert dress(town) == ("8", None)


def test_an_agencys_colour_altered_by_hand() -> None:
    """It is a field of ours while it is set: a look restores it, and a report tells of it."""
    town = at_work(COLOURED)
    town.google.alter(RED, ID, {"colorId": "8", "transparency": "transparent"})
    town.look_again()
    assert (dress(town), town.made()) == (("6", "transparent"), ["patch"])
    becomes(town, COLOURED.model_copy(update={"on_drift": "report"}))
    town.google.alter(RED, ID, {"colorId": "8"})
    town.look_again()
    error = town.statuses[ANN].last_error
    assert (dress(town)[0], error and error.code) == ("8", "drift")


@pytest.mark.parametrize("then", [COLOURED, REMOVE, BOTH])
def test_a_lost_state(then: Policy) -> None:
    """Each event says what of it is ours: it is adopted if it is as wished, and given back what is not ours any more."""
    town = at_work(COLOURED)
    town.policies[METRO] = then
    town.lose_everything()
    town.rest()
    assert [c for c in town.made() if c != "get"] == ([] if then is COLOURED else ["patch"])
    assert dress(town) == {COLOURED: ("6", None), REMOVE: (None, None), BOTH: ("3", "transparent")}[then]


def test_a_lost_state_where_properties_are_stripped() -> None:
    """The event is found by its id, and adopted with the colour that it wears."""
    town = at_work(COLOURED, STRIPPING)
    town.lose_everything()
    town.rest()
    assert (dress(town, STRIPPING)[0], town.made()) == ("6", ["insert", "get"])


def test_a_look_where_properties_are_stripped() -> None:
    """We know ourselves what of the event is ours: it is in step, restored once somebody alters it, and given back."""
    town = at_work(COLOURED, STRIPPING)
    town.look_again()
    assert town.made() == ["get"]
    town.google.alter(STRIPPING, ID, {"colorId": "8"})
    town.look_again()
    assert (dress(town, STRIPPING), town.made()) == (("6", None), ["get", "patch"])
    town.look_again()
    assert dress(becomes(town, REMOVE), STRIPPING) == (None, None)


@pytest.mark.parametrize("account", [RED, STRIPPING])
def test_an_event_that_was_touched_before_it_is_given_back(account: str) -> None:
    """The write meets a newer event: what is read says what of it is ours, or we know."""
    town = at_work(COLOURED, account)
    town.google.alter(account, ID, {"reminders": {"useDefault": False}})
    assert dress(becomes(town, REMOVE), account) == (None, None)
    assert town.made() == ["patch", "get", "patch"]


def test_a_colour_that_google_answers_otherwise() -> None:
    """What it made of ours is no alteration of anybody's: nothing is written again."""
    (insert,) = plan(row({"1": wish()}), COLOURED, NOW)
    begun = begin(insert)
    assert isinstance(begun.call, Insert)
    answer = {k: v for k, v in begun.call.body.items() if k != "colorId"} | {"etag": '"9"'}
    outcome = proceed(begun, Held(event=answer), NOW)
    assert isinstance(outcome, Stored)
    after = record(row({"1": wish()}), outcome)
    looked = fold_seen(after, seen(answer, known=after))
    assert (looked.applied, plan(looked, COLOURED, NOW)) == (
        {google(): replace(after.applied[google()], seen=True)},
        (),
    )


def test_an_event_out_of_the_bin() -> None:
    """It comes back without what we had set meanwhile: the event itself says that it was ours."""
    town = at_work(COLOURED)
    town.unpublish(2)
    town.rest()
    becomes(town, REMOVE)
    town.publish(3)
    assert dress(town.rest()) == (None, None)


def test_a_write_whose_answer_was_lost() -> None:
    """It was made, and the choice is taken back before anybody hears of it: nothing of it stays."""
    town = at_work(CHOICE)
    town.prefer(ANN, Preferences(colour="grape"), town.tick())
    town.fold_users()
    town.work(ANN)
    town.work(ANN, "after")
    assert dress(town)[0] == "3"
    town.prefer(ANN, Preferences(), town.tick())
    assert dress(town.rest()) == (None, None)


def test_a_preference() -> None:
    """It reaches the calendar by one write, goes by one, and comes again with the agency's leave."""
    town = at_work(CHOICE)
    town.prefer(ANN, Preferences(colour="basil", show_as="free"), town.tick())
    assert dress(town.rest()) == ("10", "transparent")
    assert town.made() == ["patch"]
    assert [result.caused_by for result in town.results][-1] is None
    assert dress(becomes(town, COLOURED)) == ("6", None)
    assert dress(becomes(town, REMOVE)) == (None, None)
    assert dress(becomes(town, CHOICE)) == ("10", "transparent")
    town.prefer(ANN, Preferences(), town.tick())
    assert dress(town.rest()) == (None, None)


def test_title_only() -> None:
    """Neither location nor notes reach the calendar, not by a template either."""
    full = {"location": "Station 4", "description": "Radio"}
    town = at_work()
    assert event(town) | full == event(town)
    becomes(town, TITLES)
    assert not full.keys() & event(town).keys()
    assert town.titles() == ["Day"]
    assert town.made() == ["patch"]
    becomes(town, REMOVE)
    assert event(town) | full == event(town)


@pytest.mark.parametrize(
    ("title", "shows"),
    [
        ("{{ title }} ({{ kind }})", "Day (shift)"),
        ("{{ title }} @ {{ location }}", "Day"),
        ("{% if notes %}!{% endif %}{{ title }}", "Day"),
        ("{{ broken", "Day"),
    ],
)
def test_title_only_with_a_template(title: str, shows: str) -> None:
    """One that tells location or notes gives way to the plain title."""
    policy = Policy(title=title, description="{{ location }}", details="title_only")
    got = render(CALENDAR, "1", wish(location="Station 4", notes="Radio"), policy)
    assert (got.summary, got.location, got.description) == (shows, "", "")


@pytest.mark.parametrize(
    ("end", "fields"),
    [
        ("", ()),
        (".c6", ("colorId",)),
        (".c", ("colorId",)),
        (".free", ("transparency",)),
        (".c6.busy", ("colorId", "transparency")),
        (".x..", ()),
    ],
)
def test_a_fingerprint_names_what_it_covers(end: str, fields: tuple[str, ...]) -> None:
    """Whatever else may have been written there."""
    assert covered("0" * 32 + end) == fields
    assert left_over("0" + end, "0") == fields
    assert left_over("0" + end, "0.c7.busy") == ()


@given(
    st.sampled_from(["", *COLOUR_IDS.values()]), st.sampled_from([None, "opaque", "transparent"]), st.data()
)
def test_spelling(colour: str, transparency: str | None, data: st.DataObject) -> None:
    """A fingerprint covers just the fields that were asked for, and an absent one is the default."""
    fields = data.draw(st.sets(st.sampled_from(["colorId", "transparency"])))
    stands = {k: v for k, v in {"colorId": colour, "transparency": transparency}.items() if v}
    got = spelled(standing(stands, fields))  # type: ignore[arg-type]  # drawn from the very words
    assert set(covered(got)) == fields
    assert ("free" in got) == (transparency == "transparent" and "transparency" in fields)


_policies = st.builds(
    Policy,
    colour=st.sampled_from([(), (("shift", "sage"),), (("*", "tomato"),)]),
    show_as=st.sampled_from([None, "busy", "free"]),
    details=st.sampled_from(["full", "title_only"]),
)
_by_hand = st.sampled_from(
    [{}, {"colorId": "8"}, {"colorId": None}, {"transparency": "transparent"}, {"summary": "x"}]
)


@given(st.lists(st.tuples(_policies, _by_hand), min_size=1, max_size=5), st.booleans())
def test_any_policy_after_any_other(story: list[tuple[Policy, EventBody]], strips: bool) -> None:  # noqa: FBT001
    """One write is enough, after it nothing is planned, and what stands has just the dress that is wished for."""
    memory = MemoryGoogle()
    if strips:
        memory.strip_properties("red")
    of: Wish = wish(location="Station 4")
    now: UserRow = row({"1": of})
    for policy, by_hand in story:
        todo = plan(now, policy, NOW)
        for mutation in todo:
            now = _carried_out(memory, now, begin(mutation))
        assert plan(now, policy, NOW) == ()
        wished = render(CALENDAR, "1", of, policy)
        stands = memory.standing("red")[google()]
        if todo:
            assert event_fingerprint(stands, wished.dress) == wished.fingerprint
        memory.alter("red", google(), by_hand)


def _carried_out(memory: MemoryGoogle, before: UserRow, attempt: Attempt) -> UserRow:
    step: Any = attempt
    while isinstance(step, Attempt):
        step = proceed(step, memory.apply("red", step.call), NOW)
    assert isinstance(step, Stored)
    return record(before, step)
