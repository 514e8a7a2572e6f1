"""What a user chooses: when it counts, and that it lasts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.forgetting import worth_folding
from planning.plan import plan
from planning.preferences import allowed, policy_for
from planning.users import Terms, fold
from schemas.facts import PreferencesSet
from schemas.policy import Policy
from schemas.preferences import Preferences
from schemas.rows import UserRow
from tests.planning.build import (
    AGENCY,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    connect,
    disconnect,
    folded,
    google,
    in_step,
    row,
    wish,
)

GRAPE = Preferences(colour="grape", details="title_only", show_as="free")
EVERYTHING = frozenset({"colour", "details", "show_as"})


def chose(preferences: Preferences = GRAPE, when: datetime = NOW) -> PreferencesSet:
    return PreferencesSet(agency_id=AGENCY, user_id=USER, preferences=preferences, occurred_at=when)


def lets(*choices: Any, **fields: Any) -> Policy:
    return Policy(user_may_choose=frozenset(choices), **fields)


def seen_by(policy: Policy, preferences: Preferences = GRAPE) -> Policy:
    return policy_for(row({}, preferences=preferences), policy)


def test_an_agency_that_leaves_nothing_to_its_users() -> None:
    """Nothing that they choose counts; that is the default."""
    assert allowed(REMOVE, GRAPE) == Preferences()
    assert seen_by(REMOVE) is REMOVE


def test_an_agency_that_leaves_something_to_its_users() -> None:
    """Just that counts, and stands before the agency's own; what nobody chose is as the agency has it."""
    policy = lets("colour", colour=(("shift", "tomato"),), show_as="busy")
    assert allowed(policy, GRAPE) == Preferences(colour="grape")
    got = seen_by(policy)
    assert (got.colour_of("shift"), got.colour_of("class"), got.show_as) == ("grape", "grape", "busy")
    assert got.details == "full"
    everything = seen_by(lets(*EVERYTHING))
    assert (everything.show_as, everything.details) == ("free", "title_only")
    assert seen_by(policy, Preferences(details="title_only")) is policy


def test_colours_by_kind() -> None:
    """Each kind has its own; a star stands for all others; without one it is nobody's."""
    some = Policy(colour=(("shift", "tangerine"),))
    assert (some.colour_of("shift"), some.colour_of("class")) == ("tangerine", None)
    most = Policy(colour=(("*", "sage"), ("shift", "tangerine")))
    assert (most.colour_of("shift"), most.colour_of("class")) == ("tangerine", "sage")


def test_the_same_choices() -> None:
    """They make the same policy, so that a plan that was made of it holds."""
    policy = lets("colour")
    assert seen_by(policy) is seen_by(policy, Preferences(colour="grape", show_as="busy"))


_few = st.builds(
    Preferences,
    colour=st.sampled_from((None, "grape", "tomato")),
    details=st.sampled_from((None, "title_only")),
)


@given(st.permutations([0, 0, 1, 2, 2]), st.lists(_few, min_size=5, max_size=5))
def test_any_order(order: list[int], choices: list[Preferences]) -> None:
    """The newest counts, whatever the order and however often it is told; of one instant always the same."""
    facts = [chose(choice, at(seconds=when)) for choice, when in zip(choices, order, strict=True)]
    ends = [folded(some).preferences for some in (facts, facts[::-1], facts + facts[:3])]
    assert ends[0] == ends[1] == ends[2]
    assert ends[0] in [fact.preferences for fact in facts if fact.occurred_at == at(seconds=2)]


def test_a_choice_that_is_taken_back() -> None:
    """It is a choice like any other, and an older one does not come back."""
    got = folded([chose(), chose(Preferences(), at(seconds=1)), chose()])
    assert got.preferences == Preferences()


def test_somebody_who_goes_and_comes_back() -> None:
    """A connection ends and begins; what its user likes stays."""
    got = folded([chose(), connect(), disconnect(at(seconds=1)), connect(at(seconds=2))])
    assert got.preferences == GRAPE


def test_somebody_nobody_spoke_of_yet() -> None:
    """Who chooses before the first shift or the first connect is heard; the status says what it is."""
    assert worth_folding(None, [chose()]) == [chose()]
    got = fold(None, chose(), Terms(REMOVE, NOW))
    assert got.status is not None
    assert (got.row.preferences, got.status.state) == (GRAPE, "not_connected")


def test_what_waits() -> None:
    """A choice makes work at once, which nobody upstream has caused; told again it makes no more."""
    terms = Terms(lets("show_as"), NOW)
    once = fold(in_step({"1": wish()}), chose(), terms)
    assert once.status is not None
    assert (once.status.state, once.status.pending, once.status.oldest_pending_at) == ("syncing", 1, None)
    again = fold(once.row, chose(), terms)
    assert (again.row, again.status) == (once.row, once.status)


def test_a_choice_that_counts_for_nothing() -> None:
    """It is kept for later, and changes nothing now."""
    before = fold(in_step({"1": wish()}), connect(at(days=-2)), Terms(REMOVE, NOW)).row
    after = fold(before, chose(), Terms(REMOVE, NOW))
    assert (after.row.preferences, after.row.status) == (GRAPE, before.status)


def test_a_write_that_nobody_told_of() -> None:
    """The choice is another one meanwhile: a look has to find out what stands there."""
    policy = lets("colour")
    before = row({"1": wish()}, applied={google(): applied(wish())}, preferences=GRAPE, preferred_at=NOW)
    after = fold(
        before, chose(Preferences(), at(seconds=1)), Terms(policy, NOW, unsure=frozenset({"dec/1"}))
    ).row
    assert after.doubts == ("dec/1",)


_STORED = """
{"agency_id":"metro","user_id":"ann","calendars":{"dec":{"revision":0,"standing":"published","wishes":{"1":{"version":1,
"kind":"shift","title":"Day","start":"2026-12-02T12:00:00Z","end":"2026-12-02T20:00:00Z","time_zone":"America/New_York",
"location":"Station 4","notes":"Radio"}}}},"applied":{
"bgs6e75a64e42djgrljmshnnjo18pgq2mjrkk37aufgjapkkju73ti0":{"calendar_id":"dec","shift_id":"1","etag":"\\"1\\"",
"fingerprint":"df3d3270532e3724","echo":"df3d3270532e3724","version":1,
"start":"2026-12-02T12:00:00Z","end":"2026-12-02T20:00:00Z","seen":true}},"connection":{"state":"connected",
"occurred_at":"2026-11-22T12:00:00Z","connected_at":"2026-11-22T12:00:00Z","released":false,
"verified_at":"2026-11-23T11:00:00Z","target":"red"}}
"""


@pytest.mark.parametrize("policy", [REMOVE, lets(*EVERYTHING)])
def test_a_row_of_an_older_release(policy: Policy) -> None:
    """It is read as it stands, and nothing of it is written again."""
    got = UserRow.model_validate_json(_STORED)
    assert (got.preferences, got.preferred_at) == (Preferences(), None)
    assert plan(got, policy, NOW) == ()
    assert "prefer" not in got.model_dump_json(exclude_defaults=True)
