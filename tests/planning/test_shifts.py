"""Of all that was said about a shift the highest version wins."""

from __future__ import annotations

from datetime import timedelta, timezone
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from planning.shifts import content, fold_change, wish_of, with_shift, without_forgotten, without_shift
from schemas.messages import Delete, Upsert
from schemas.rows import AssignmentRow, RosterRow
from tests.planning.build import NOW, at, delete, shift, upsert, wish

BOB = "bob"


def after(*changes: Upsert | Delete) -> AssignmentRow:
    """Return the assignment after these changes."""
    row: AssignmentRow | None = None
    for change in changes:
        row = fold_change(row, change).row or row
    assert row is not None
    return row


def test_a_first_upsert() -> None:
    """Its user holds the shift and is told."""
    verdict = fold_change(None, upsert())
    assert verdict.place == ("ann", wish_of(shift()))
    assert (verdict.evict, verdict.affected) == ((), ("ann",))


def test_an_open_shift() -> None:
    """Nobody holds it, and nobody is told."""
    verdict = fold_change(None, upsert(user_id=None))
    assert (verdict.place, verdict.affected) == (None, ())
    assert verdict.row is not None


def test_a_reassignment() -> None:
    """The shift goes from the old user's roster to the new one's, and both are told."""
    verdict = fold_change(after(upsert()), upsert(version=2, user_id=BOB))
    assert verdict.place is not None
    assert (verdict.place[0], verdict.evict, verdict.affected) == (BOB, ("ann",), (BOB, "ann"))


def test_a_delete() -> None:
    """The shift leaves its user; a tombstone stays with the version."""
    verdict = fold_change(after(upsert()), delete(version=2))
    assert (verdict.place, verdict.evict, verdict.affected) == (None, ("ann",), ("ann",))
    assert verdict.row is not None
    assert (verdict.row.version, verdict.row.digest, verdict.row.user_id) == (2, "", None)


def test_a_late_upsert_after_the_delete() -> None:
    """A lower version changes nothing, but its user becomes a member."""
    verdict = fold_change(after(delete(version=3)), upsert(version=2))
    assert (verdict.row, verdict.place, verdict.affected) == (None, None, ("ann",))


def test_a_delete_before_its_upsert() -> None:
    """The tombstone keeps out what was said before it."""
    assert after(delete(version=3), upsert(version=2)).digest == ""


def test_a_shift_is_created_again() -> None:
    """A higher version brings a deleted shift back."""
    assert after(delete(version=3), upsert(version=4)).user_id == "ann"


def test_the_same_change_again() -> None:
    """It is applied again and every holder is told, since a crash may have left any of them out."""
    row = after(upsert(), upsert(version=2, user_id=BOB))
    verdict = fold_change(row, upsert(version=2, user_id=BOB))
    assert verdict.row == row
    assert (verdict.evict, verdict.affected, verdict.conflict) == (("ann",), (BOB, "ann"), False)


def test_a_lower_version_after_a_crash() -> None:
    """Every holder is told, even those of a change whose message was lost on the way."""
    verdict = fold_change(after(upsert(), upsert(version=2, user_id=BOB)), upsert())
    assert (verdict.row, set(verdict.affected)) == (None, {"ann", BOB})


def test_one_version_with_two_contents() -> None:
    """The first stands, and the error upstream is counted."""
    verdict = fold_change(after(upsert()), upsert(title="Night"))
    assert (verdict.row, verdict.conflict) == (None, True)


def test_one_version_with_two_users() -> None:
    """The first stands; the second user becomes a member all the same."""
    verdict = fold_change(after(upsert()), upsert(user_id=BOB))
    assert (verdict.row, verdict.conflict, set(verdict.affected)) == (None, True, {"ann", BOB})


def test_one_version_deletes_and_upserts() -> None:
    """The delete wins in either order, and the error upstream is counted."""
    verdict = fold_change(after(upsert()), delete())
    assert (verdict.evict, verdict.conflict) == (("ann",), True)
    assert after(upsert(), delete()).digest == after(delete(), upsert()).digest == ""
    assert fold_change(after(delete()), upsert()).conflict


_change = st.builds(
    upsert,
    version=st.integers(0, 4),
    user_id=st.sampled_from(("ann", "bob", None)),
) | st.builds(delete, version=st.integers(0, 4))


@given(st.lists(_change, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_number_of_deliveries(changes: list[Upsert | Delete], random: Random) -> None:
    """The same winner stands, as long as no version has two contents."""
    first: dict[int, Upsert | Delete] = {}
    for change in changes:
        first.setdefault(change.version, change)
    unique = list(first.values())
    again = unique + unique[:2]
    random.shuffle(again)
    one, other = after(*unique), after(*again)
    assert (one.version, one.digest, one.user_id) == (other.version, other.digest, other.user_id)


@given(st.lists(_change, min_size=1, max_size=6))
def test_rosters_after_any_changes(changes: list[Upsert | Delete]) -> None:
    """The shift is in its holder's roster and in nobody else's."""
    row: AssignmentRow | None = None
    rosters = {"ann": RosterRow(), "bob": RosterRow()}
    for change in changes:
        verdict = fold_change(row, change)
        row = verdict.row or row
        for user in verdict.evict:
            rosters[user] = without_shift(rosters[user], "1")
        if verdict.place is not None:
            rosters[verdict.place[0]] = with_shift(rosters[verdict.place[0]], "1", verdict.place[1])
    assert row is not None
    holders = [user for user, roster in rosters.items() if roster.shifts]
    assert holders == ([row.user_id] if row.user_id else [])


def test_texts_are_cut_before_they_are_stored() -> None:
    """What Google would not take enters no row."""
    long = wish(title="t" * 4_000, location="l" * 4_000, notes="n" * 30_000)
    assert [len(text or "") for text in (long.title, long.location, long.notes)] == [1_024, 1_024, 8_000]


def test_contents_are_told_apart() -> None:
    """Each field counts, and the version does not."""
    others = (
        {"location": "Station 5"},
        {"notes": "Bring the radio"},
        {"title": "Day shift"},
        {"kind": "training"},
        {"start": at(hours=23)},
        {"time_zone": "Europe/Berlin"},
    )
    assert len({content(wish()), *(content(wish(**other)) for other in others)}) == 1 + len(others)
    assert content(wish(version=1)) == content(wish(version=2))


def test_one_instant_in_two_spellings() -> None:
    """Says the same."""
    moved = at(hours=20).astimezone(timezone(timedelta(hours=5)))
    assert content(wish(start=at(hours=20))) == content(wish(start=moved))


def test_a_roster_forgets() -> None:
    """What ended more than 31 days ago is dropped; where nothing is, the row is the same."""
    old = wish(start=at(days=-33), end=NOW - timedelta(days=31))
    young = wish(start=at(days=-33), end=NOW - timedelta(days=31) + timedelta(seconds=1))
    kept = RosterRow(shifts={"2": young})
    assert without_forgotten(RosterRow(shifts={"1": old, "2": young}), NOW) == kept
    assert without_forgotten(kept, NOW) is kept
