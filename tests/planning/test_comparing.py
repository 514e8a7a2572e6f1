"""A user with the live group and with a shadow: what counts as a difference, and what only seems one."""

from __future__ import annotations

from typing import Any

import pytest

from planning.comparing import Compared, compare
from schemas.facts import Problem, Withdrawal
from schemas.outputs import SyncStatus
from schemas.policy import Policy
from schemas.preferences import Preferences
from schemas.rows import CalendarWish, Connection, Drift, Refusal, UserRow
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    NOW,
    USER,
    applied,
    at,
    connected,
    google,
    in_step,
    row,
    wish,
)

LOUD = Policy(title="{{ title }}!")


def problem(state: Any, code: str, **fields: Any) -> Problem:
    return Problem(state=state, code=code, message="It is so.", what_to_do="Wait.", **fields)


def status(state: Any, pending: int = 0) -> SyncStatus:
    return SyncStatus(agency_id=AGENCY, user_id=USER, state=state, pending=pending)


def kinds(found: Compared) -> list[tuple[str, str, str]]:
    return [(one.shift_id, one.kind, one.write) for one in found.differences]


def test_in_step_with_each_other() -> None:
    """Etags and versions are each group's own, and what is history counts for neither."""
    w = wish()
    old = applied(wish(start=at(days=-41), end=at(days=-40)), "9")
    live = in_step({"1": w})
    shadow = row({"1": w}, applied={google(): applied(w, etag='"7"', version=3), google("9"): old})
    assert compare(live, shadow, NOW).is_alike
    assert compare(None, None, NOW).is_alike


def test_differences() -> None:
    """What the shadow would insert, patch and delete, by shift; another generation of the same event is none."""
    w = wish()
    live = row(applied={google("1"): applied(w), google("2"): applied(w, "2"), google("4"): applied(w, "4")})
    shadow = row(
        applied={
            google("2"): applied(w, "2", LOUD),
            google("3"): applied(w, "3"),
            google("4", 1): applied(w, "4", generation=1),
        }
    )
    found = compare(live, shadow, NOW)
    assert kinds(found) == [("1", "missing", "delete"), ("2", "different", "patch"), ("3", "extra", "insert")]
    assert all(one.unseen is None and one.calendar_id == CALENDAR for one in found.differences)
    patched = found.differences[1]
    assert patched.live is not None
    assert patched.shadow is not None
    assert patched.live.fingerprint != patched.shadow.fingerprint


@pytest.mark.parametrize(
    ("unsettled", "why"),
    [
        (row(status=status("syncing", 3)), "has 3 writes to make"),
        (row(status=status("syncing")), "is to look at the calendar first"),
        (row(connection=connected(problem=problem("paused", "quota", until=at(hours=1)))), "quota"),
        (row(connection=connected(state="disconnected")), "has still to end the connection"),
    ],
)
def test_work_under_way(unsettled: UserRow, why: str) -> None:
    """It may still pass, whoever has it: nothing is said of the user but that."""
    other = in_step({"1": wish()})
    for pair in ((unsettled, other), (other, unsettled)):
        found = compare(*pair, NOW)
        assert found.differences == ()
        assert found.waits is not None
        assert why in found.waits.why
    assert compare(other, unsettled, NOW).waits != compare(unsettled, other, NOW).waits


def test_connections() -> None:
    """One that stands differently is told instead of its events, which follow from it."""
    found = compare(in_step({"1": wish()}), row(connection=Connection()), NOW)
    assert found.turned is not None
    assert (found.turned.live, found.turned.shadow, found.differences) == ("connected", "none", ())


def test_somebody_who_was_forgotten() -> None:
    """The live group was told, a shadow is not: there is nobody to compare."""
    ended = connected(state="disconnected", released=True)
    assert compare(None, row(connection=ended), NOW).is_alike
    assert compare(None, row(), NOW).turned is not None


LOST = connected(problem=problem("needs_reauthorization", "invalid_grant"))


@pytest.mark.parametrize(
    ("live", "shadow", "why"),
    [
        (row(connection=LOST), in_step({"1": wish()}), "invalid_grant"),
        (
            row(drift={f"{CALENDAR}/1": Drift(kind="deleted", version=1, end=at(days=2))}),
            in_step({"1": wish()}),
            "deleted the event by hand",
        ),
        (
            row(refused={f"{CALENDAR}/1": Refusal(fingerprint="f", error="no", end=at(days=2))}),
            in_step({"1": wish()}),
            "Google refused",
        ),
        (
            in_step({"1": wish()}, refused={google(): Refusal(fingerprint="", error="no", end=at(days=2))}),
            row(),
            "Google refused",
        ),
        (
            row(applied={google(): applied(wish(), "1", LOUD)}, preferred_at=NOW),
            in_step({"1": wish()}, preferences=Preferences()),
            "has chosen how events look",
        ),
    ],
)
def test_what_a_shadow_cannot_know(live: UserRow, shadow: UserRow, why: str) -> None:
    """It is told why, so that nobody takes it for a difference of code or policy."""
    (one,) = compare(live, shadow, NOW).differences
    assert one.unseen is not None
    assert why in one.unseen


def test_another_shift_of_somebody_who_did_something() -> None:
    """What is known of one event excuses no other one, and a choice of looks no event that is missing."""
    note = Drift(kind="deleted", version=1, end=at(days=2))
    live = row(drift={f"{CALENDAR}/1": note}, preferred_at=NOW, releases=("r",))
    (one,) = compare(live, row({"2": wish()}, applied={google("2"): applied(wish(), "2")}), NOW).differences
    assert one.unseen is None


def test_a_release() -> None:
    """Removals that an operator has let go, and a shadow still holds."""
    taken = Withdrawal(version=2, in_all=9, shifts=("1",))
    held = CalendarWish(revision=1, standing="unpublished", withdrawal=taken, share=1.0)
    shadow = row(applied={google(): applied(wish())}).model_copy(update={"calendars": {CALENDAR: held}})
    free = held.model_copy(update={"withdrawal": taken.model_copy(update={"released": True})})
    (one,) = compare(row().model_copy(update={"calendars": {CALENDAR: free}}), shadow, NOW).differences
    assert one.unseen is not None
    assert "released" in one.unseen
    (same,) = compare(row().model_copy(update={"calendars": {CALENDAR: held}}), shadow, NOW).differences
    assert same.unseen is None
