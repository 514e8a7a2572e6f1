"""Messages that wait together: fewer facts, and the same ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planning.calendars import Folded, fold_shifts
from planning.gathering import gathered
from planning.intake import Reading, Source, read
from planning.plan import plan
from planning.steps import whole
from planning.users import Terms, fold, fold_all
from schemas.facts import CallsAnswered, Changes, ShiftsChanged, UserFact
from schemas.messages import Delete, Upsert
from schemas.mutations import InsertEvent, Mutation
from schemas.outcomes import Stored
from schemas.outputs import SyncResult
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    NOW,
    REMOVE,
    USER,
    at,
    cause,
    connect,
    contribution,
    deactivate,
    delete,
    in_step,
    upsert,
    wish,
)
from tests.planning.world import Rows, Tables

ENVELOPE = {
    "event_id": "e",
    "occurred_at": "2026-11-23T12:00:00Z",
    "agency_id": AGENCY,
    "calendar_id": CALENDAR,
}
TERMS = Terms(REMOVE, NOW)


def message(offset: int, topic: str = "schedule-changed", **fields: Any) -> Reading:
    """Return what a message comes to: the tombstone of the shift that has its offset as id, unless told otherwise."""
    change = {"op": "delete", "shift_id": str(offset), "version": 1}
    body = ENVELOPE | ({"changes": [change]} if topic == "schedule-changed" else {}) | fields
    return read(Source(topic, topic, 0, offset, NOW, None, json.dumps(body).encode()))


def test_messages_of_one_calendar() -> None:
    """They are one fact; each keeps its coordinates, and the changes their order."""
    (fact,) = gathered([message(4), message(2)]).calendar_facts
    assert isinstance(fact, ShiftsChanged)
    assert [said.cause.offset for said in fact.messages] == [4, 2]
    assert [change.shift_id for change in fact.changes] == ["4", "2"]


def test_messages_of_several_calendars_and_agencies() -> None:
    """Each calendar has a fact of its own, whatever its name."""
    found = gathered([message(1), message(2, calendar_id="jan"), message(3, agency_id="rural"), message(4)])
    told = [(fact.agency_id, fact.calendar_id) for fact in found.calendar_facts]
    assert told == [(AGENCY, CALENDAR), (AGENCY, "jan"), ("rural", CALENDAR)]


def test_what_is_no_change_of_a_shift() -> None:
    """Publications, commands and dead letters stay what they were, every one of them."""
    published = {"version": 1, "published_through": "2026-12-31"}
    command = {"user_id": "ann", "command": "connect", "calendar_id": None}
    alone = [
        message(1, "calendar-published", **published),
        message(2, "calendar-published", **published),
        message(3, "sync-commands", **command),
        message(4, "schedule-changed", changes=7),
    ]
    found = gathered(alone)
    assert found.calendar_facts == alone[0].calendar_facts + alone[1].calendar_facts
    assert found.user_facts == alone[2].user_facts
    assert found.letters == alone[3].letters
    assert len(found.letters) == 1


def told(*messages: tuple[int, Upsert | Delete]) -> Folded:
    """Fold changes of a published calendar that waited together; each came with the offset beside it."""
    changes = tuple(Changes(changes=(change,), cause=cause(offset)) for offset, change in messages)
    fact = ShiftsChanged(agency_id=AGENCY, calendar_id=CALENDAR, messages=changes)
    return whole(fold_shifts(fact, 9, Rows(Tables(), (AGENCY, CALENDAR)), NOW))


def test_each_change_has_its_own_cause() -> None:
    """A difference is explained by the message that made it, not by the last one of those that waited with it."""
    (only,) = told((1, upsert("1")), (2, upsert("2"))).contributions
    assert (only.cause.offset, {s: c.offset for s, c in only.causes.items()}) == (2, {"1": 1})
    first = contribution(9, {"1": wish(), "2": wish()}, cause=only.cause, causes=only.causes)
    row = fold(fold(None, connect(), TERMS).row, first, TERMS).row
    assert {key: opened.cause.offset for key, opened in row.open.items()} == {
        f"{CALENDAR}/1": 1,
        f"{CALENDAR}/2": 2,
    }


@pytest.mark.parametrize("late", [upsert("1", 1), delete("1", 1)])
def test_an_older_change_comes_after_a_newer_one(late: Upsert | Delete) -> None:
    """The newer one is the cause, and its version is what is told."""
    (only,) = told((1, delete("1", 5)), (2, upsert("1", 4)), (3, late), (4, upsert("2"))).contributions
    assert only.touched == {"1": 4}
    assert only.causes["1"].offset == 2


def test_facts_that_wait_together() -> None:
    """The row is what it would be one by one; every result is told, and of the statuses the last."""
    facts: list[UserFact] = [
        connect(),
        contribution(1, {"1": wish()}),
        contribution(2, {}),
        deactivate(at(days=1)),
    ]
    row, alone = None, []
    for fact in facts:
        alone.append(fold(row, fact, TERMS))
        row = alone[-1].row
    together = fold_all(None, facts, TERMS)
    assert together.row == row
    assert together.status == alone[-1].status is not None


def reported(mutation: Mutation) -> CallsAnswered:
    """Return what is told of an insert that Google has taken."""
    assert isinstance(mutation, InsertEvent)
    stored = Stored(
        event_id=mutation.event_id,
        calendar_id=mutation.calendar_id,
        shift_id=mutation.shift_id,
        generation=mutation.generation,
        action="inserted",
        etag='"1"',
        fingerprint=mutation.rendered.fingerprint,
        echo=mutation.rendered.fingerprint,
        version=mutation.version,
        start=mutation.start,
        end=mutation.end,
        at=at(seconds=1),
        cause=mutation.cause,
    )
    return CallsAnswered(agency_id=AGENCY, user_id=USER, outcomes=(stored,))


def test_reports_that_wait_together() -> None:
    """They are folded as one, and come to what they come to one by one; each of their results is told."""
    before = fold(in_step({}), contribution(2, {name: wish() for name in "1234"}), TERMS).row
    reports = [reported(mutation) for mutation in plan(before, REMOVE, NOW)]
    facts: list[UserFact] = [*reports[:2], contribution(3, {name: wish() for name in "12345"}), *reports[2:]]
    alone, told, said = before, list[SyncResult](), False
    for fact in facts:
        row, results, status, _ = fold(alone, fact, TERMS)
        alone, told, said = row, [*told, *results], said or status is not None
    together = fold_all(before, facts, TERMS)
    assert together.row == alone
    assert list(together.results) == told
    assert len(told) == 4
    assert together.status == alone.status
    assert said


def test_facts_of_which_only_the_first_changes_the_status() -> None:
    """It is told all the same."""
    before = fold(None, contribution(1, {}), TERMS).row
    folded = fold_all(before, [connect(), contribution(2, {})], TERMS)
    assert folded.status == folded.row.status
    assert folded.status is not None
    assert folded.status.state == "syncing"


def test_nothing_to_fold() -> None:
    """That is a mistake of ours, and no empty row."""
    with pytest.raises(ValueError, match="nothing to fold"):
        fold_all(None, [], TERMS)
