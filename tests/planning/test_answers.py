"""One mutation, call by call, whatever Google answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gcal.memory import MemoryGoogle
from planning.answers import CONFLICTS, Attempt, Unsettled, begin, proceed
from planning.identity import GENERATIONS
from planning.plan import plan
from schemas.answers import Answer, Changed, Denied, Done, Duplicate, Held, Missing
from schemas.mutations import Call, DeleteEvent, Get, Insert, InsertEvent, Mutation, Patch, Remove
from schemas.outcomes import Refused, Removed, Stored
from tests.planning.build import NOW, REMOVE, applied, google, row, wish

RED = "red"
DENIED = Denied(status=403, reason="forbidden")


def mutation(kind: str) -> Mutation:
    """Return an insert, a patch or a delete of Ann's shift."""
    standing = {google(): applied(wish(title="Old"))}
    rows = {"insert": row({"1": wish()}), "patch": row({"1": wish()}, applied=standing)}
    (only,) = plan(rows.get(kind, row({}, applied=standing)), REMOVE, NOW)
    return only


def run(world: MemoryGoogle, what: Mutation) -> tuple[Any, list[str]]:
    """Carry a mutation out; return what it came to, and the calls that it took."""
    step: Any = begin(what)
    calls = []
    while isinstance(step, Attempt):
        calls.append(f"{step.call.call} {step.call.generation}")
        step = proceed(step, world.apply(RED, step.call), NOW)
    return step, calls


def standing(title: str = "Old") -> tuple[MemoryGoogle, str]:
    """Return a Google that holds the shift, and the event's etag."""
    world = MemoryGoogle()
    (insert,) = plan(row({"1": wish(title=title)}), REMOVE, NOW)
    run(world, insert)
    return world, world.standing(RED)[google()]["etag"]


def at_etag(what: Mutation, etag: str) -> Mutation:
    assert not isinstance(what, InsertEvent)
    return replace(what, etag=etag)


def test_an_insert() -> None:
    """It costs one write."""
    got, calls = run(MemoryGoogle(), mutation("insert"))
    assert isinstance(got, Stored)
    assert (got.action, got.generation, calls) == ("inserted", 0, ["insert 0"])
    assert got.echo == got.fingerprint


def test_a_patch() -> None:
    """It costs one write."""
    world, etag = standing()
    got, calls = run(world, at_etag(mutation("patch"), etag))
    assert (got.action, calls) == ("patched", ["patch 0"])
    assert world.standing(RED)[google()]["summary"] == "Day"


def test_a_delete() -> None:
    """It costs one write."""
    world, etag = standing()
    got, calls = run(world, at_etag(mutation("delete"), etag))
    assert isinstance(got, Removed)
    assert (got.left, calls, world.standing(RED)) == (False, ["delete 0"], {})


def test_an_insert_whose_answer_was_lost() -> None:
    """The event that stands is adopted: one 409 and one read."""
    world, _ = standing("Day")
    got, calls = run(world, mutation("insert"))
    assert (got.action, calls) == ("adopted", ["insert 0", "get 0"])
    assert len(world.standing(RED)) == 1


def test_an_insert_that_finds_another_content() -> None:
    """What differs is patched under the etag that was read."""
    world, _ = standing("Mine")
    got, calls = run(world, mutation("insert"))
    assert (got.action, calls) == ("patched", ["insert 0", "get 0", "patch 0"])


def test_an_event_that_google_holds_as_cancelled() -> None:
    """It is brought back, with the user's colour: one 409 and one read more."""
    world, _ = standing()
    world.alter(RED, google(), {"colorId": "7"})
    world.delete(RED, google())
    got, calls = run(world, mutation("insert"))
    assert (got.action, calls) == ("inserted", ["insert 0", "get 0", "patch 0"])
    event = world.standing(RED)[google()]
    assert (event["summary"], event["colorId"]) == ("Day", "7")


def test_an_id_that_nobody_can_read() -> None:
    """Taken, yet not there: the next id is used."""
    world = MemoryGoogle()
    world.burn(RED, google(), "gone")
    got, calls = run(world, mutation("insert"))
    assert (got.event_id, got.generation) == (google("1", 1), 1)
    assert calls == ["insert 0", "get 0", "insert 1"]
    assert world.standing(RED)[google("1", 1)]["id"] == google("1", 1)


def test_an_id_that_cannot_be_revived() -> None:
    """The next id is used."""
    world = MemoryGoogle()
    world.burn(RED, google(), "forbidden")
    got, calls = run(world, mutation("insert"))
    assert got.generation == 1
    assert calls == ["insert 0", "get 0", "patch 0", "insert 1"]


def test_every_id_is_burnt() -> None:
    """The shift is refused, and tells so."""
    world = MemoryGoogle()
    for generation in range(GENERATIONS):
        world.burn(RED, google("1", generation), "gone")
    got, _ = run(world, mutation("insert"))
    assert isinstance(got, Refused)
    assert "burnt" in got.error


def test_the_user_altered_what_is_to_be_patched() -> None:
    """One 412 and one read: it is restored, and their colour stays."""
    world, etag = standing()
    world.alter(RED, google(), {"summary": "Mine", "colorId": "7"})
    got, calls = run(world, at_etag(mutation("patch"), etag))
    assert (got.action, calls) == ("patched", ["patch 0", "get 0", "patch 0"])
    event = world.standing(RED)[google()]
    assert (event["summary"], event["colorId"]) == ("Day", "7")


def test_a_patch_whose_answer_was_lost() -> None:
    """What stands is as wished, however Google spells it: nothing more is written."""
    world, etag = standing()
    what = at_etag(mutation("patch"), etag)
    world.apply(RED, begin(what).call)
    got, calls = run(world, what)
    assert (got.action, calls) == ("adopted", ["patch 0", "get 0"])


def test_the_user_deleted_what_is_to_be_patched() -> None:
    """It is brought back."""
    world, etag = standing()
    world.delete(RED, google())
    got, calls = run(world, at_etag(mutation("patch"), etag))
    assert (got.action, calls) == ("inserted", ["patch 0", "get 0", "patch 0"])


def test_what_is_to_be_patched_is_forgotten() -> None:
    """It is inserted again."""
    world, etag = standing()
    world.purge(RED, google())
    got, calls = run(world, at_etag(mutation("patch"), etag))
    assert (got.action, calls) == ("inserted", ["patch 0", "insert 0"])


def test_the_user_altered_what_is_to_be_deleted() -> None:
    """It is still ours: one 412 and one read, then it goes."""
    world, etag = standing()
    world.alter(RED, google(), {"summary": "Mine"})
    got, calls = run(world, at_etag(mutation("delete"), etag))
    assert (got.left, calls) == (False, ["delete 0", "get 0", "delete 0"])


def test_the_user_moved_what_is_to_be_deleted_into_the_past() -> None:
    """It is history where it stands, and stays."""
    world, etag = standing()
    days = {"start": {"date": "2026-01-01", "dateTime": None, "timeZone": None}}
    days["end"] = days["start"] | {"date": "2026-01-02"}
    world.alter(RED, google(), days)
    got, calls = run(world, at_etag(mutation("delete"), etag))
    assert (got.left, calls) == (True, ["delete 0", "get 0"])
    assert google() in world.standing(RED)


@pytest.mark.parametrize("how", ["delete", "purge"])
def test_what_is_to_be_deleted_is_gone(how: str) -> None:
    """That is as good as deleted."""
    world, etag = standing()
    getattr(world, how)(RED, google())
    got, calls = run(world, at_etag(mutation("delete"), etag))
    assert isinstance(got, Removed)
    assert calls == ["delete 0"]


def test_somebody_is_always_faster() -> None:
    """After a few conflicts the lane plans anew, rather than fight for ever."""
    step: Any = begin(mutation("patch"))
    world, _ = standing("Mine")
    event = world.standing(RED)[google()]
    calls = 0
    while isinstance(step, Attempt):
        calls += 1
        answer: Answer = Held(event=event) if isinstance(step.call, Get) else Changed()
        step = proceed(step, answer, NOW)
    assert isinstance(step, Unsettled)
    assert calls <= 2 * CONFLICTS + 2


@pytest.mark.parametrize("kind", ["insert", "patch", "delete"])
def test_google_refuses_for_good(kind: str) -> None:
    """The refusal says what Google said, and what it was about."""
    what = mutation(kind)
    got = proceed(begin(what), DENIED, NOW)
    assert isinstance(got, Refused)
    assert got.error == "Google answered 403 forbidden"
    assert got.fingerprint == ("" if isinstance(what, DeleteEvent) else what.rendered.fingerprint)


_ANSWERS: list[Answer] = [Done(), Duplicate(), Missing(), Changed(), DENIED]


@pytest.mark.parametrize("kind", ["insert", "patch", "delete"])
@pytest.mark.parametrize("answer", _ANSWERS, ids=lambda answer: answer.answer)
@pytest.mark.parametrize("call", ["insert", "patch", "revival", "delete", "get", "taken"])
def test_any_answer_to_any_call(kind: str, answer: Answer, call: str) -> None:
    """There is always a next step: another call, an outcome, or a new plan."""
    place: dict[str, Any] = {"event_id": google(), "generation": 0}
    calls: dict[str, Call] = {
        "insert": Insert(**place, body={}),
        "patch": Patch(**place, etag="e", body={}),
        "revival": Patch(**place, etag="e", body={}, revives=True),
        "delete": Remove(**place, etag="e"),
        "get": Get(**place),
        "taken": Get(**place, taken=True),
    }
    got = proceed(Attempt(mutation(kind), calls[call]), answer, NOW)
    assert isinstance(got, Attempt | Unsettled | Stored | Removed | Refused)


def test_a_write_never_leads_its_version() -> None:
    """The version in the event is that of the wish that was written."""
    (only,) = plan(row({"1": wish(4)}, applied={google(): applied(wish(title="Old"))}), REMOVE, NOW)
    body = begin(only).call
    assert isinstance(body, Patch)
    assert body.body["extendedProperties"]["private"]["bgsVersion"] == "4"
