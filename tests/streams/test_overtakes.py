"""Which earlier changes a call serves, whatever is folded together or comes while a call is under way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planning import users
from schemas.cause import Cause
from schemas.facts import CallsAnswered, Connected, Contribution, UserFact, Wish
from schemas.outcomes import Stored
from schemas.policy import Policy
from schemas.rows import UserRow
from streams.overtakes import Overtakes
from streams.traces import Memory, Trace

NOW = datetime.now(UTC)
KEY, SHIFT = b"a/u", "c/s"


def _cause(offset: int) -> Cause:
    return Cause(topic="t", partition=0, offset=offset, event_id="e", occurred_at=NOW, at=NOW)


def _parent(offset: int) -> str:
    return f"00-{offset:032x}-{offset:016x}-01"


def _wants(offset: int, title: str | None) -> Contribution:
    start = NOW + timedelta(days=3)
    wish = Wish(version=offset, kind="shift", title=title or "", start=start, end=start, time_zone="UTC")
    return Contribution(
        agency_id="a", user_id="u", calendar_id="c", revision=offset, standing="published",
        wishes={"s": wish} if title else {}, cause=_cause(offset),
    )  # fmt: skip


def _answered(offset: int) -> CallsAnswered:
    stored = Stored(
        action="inserted", event_id="e", calendar_id="c", shift_id="s", generation=0, etag="1", fingerprint="f",
        echo="f", version=offset, start=NOW, end=NOW + timedelta(days=3), at=NOW, cause=_cause(offset),
    )  # fmt: skip
    return CallsAnswered(agency_id="a", user_id="u", outcomes=(stored,))


class World:
    """A row, and what is noted of it."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.overtakes = Overtakes(self.memory)
        self.memory.note({("t", 0, offset): Trace(_parent(offset)) for offset in range(1, 20)})
        self.row: UserRow | None = None
        self.fold(Connected(agency_id="a", user_id="u", cause=_cause(1)))

    def fold(self, *facts: UserFact) -> None:
        folded = users.fold_all(self.row, facts, users.Terms(Policy(), NOW))
        self.overtakes.folded(KEY, self.row, facts, folded.row)
        self.row = folded.row

    @property
    def links(self) -> list[int]:
        return [int(parent.split("-")[1], 16) for parent in self.overtakes.of(KEY, SHIFT)]


@pytest.mark.parametrize("together", [True, False])
def test_edits_that_wait(*, together: bool) -> None:
    """All but the newest, in their order, whether they are folded in one go or one by one."""
    world = World()
    facts = [_wants(offset, f"v{offset}") for offset in (2, 3, 4)]
    if together:
        world.fold(*facts)
    else:
        for fact in facts:
            world.fold(fact)
    assert world.links == [2, 3]


def test_a_change_while_a_call_is_under_way() -> None:
    """What the call has served is no link of the next one."""
    world = World()
    world.fold(_wants(2, "v2"))
    world.fold(_wants(3, "v3"))  # the call for 3 begins here, and serves 2
    world.fold(_wants(4, "v4"))
    world.fold(_wants(5, "v5"))
    assert world.links == [2, 3, 4]
    world.fold(_answered(3))
    assert world.links == [4]
    world.fold(_answered(5))
    assert world.links == []
    assert len(world.overtakes) == 0


def test_the_same_again() -> None:
    """A redelivery overtakes nothing."""
    world = World()
    world.fold(_wants(2, "v2"))
    world.fold(_wants(2, "v2"))
    assert world.links == []


def test_a_message_of_nobodys_trace() -> None:
    """There is nothing to link to."""
    world = World()
    world.fold(_wants(30, "v2"))
    world.fold(_wants(31, "v3"))
    assert len(world.overtakes) == 0
