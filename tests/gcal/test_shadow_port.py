"""A shadow's port: whatever is written counts as written, and nothing else can be asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from gcal.port import Grant
from gcal.shadow_port import ShadowCalendars
from planning.answers import begin, proceed
from planning.plan import plan
from planning.record import record
from schemas.mutations import Get
from schemas.policy import Policy
from schemas.rows import UserRow
from tests.planning.build import NOW, in_step, row, wish

GRANT = Grant("metro", "ann", SecretStr(""), datetime.now(UTC))
DRESSED = Policy(title="{{ title }}!", show_as="free")


async def written(before: UserRow, policy: Policy) -> UserRow:
    """The row once every write of its plan was answered."""
    port, after = ShadowCalendars(), before
    for mutation in plan(before, policy, NOW):
        attempt = begin(mutation)
        outcome = proceed(attempt, await port.call(GRANT, "primary", attempt.call), NOW)
        after = record(after, outcome)  # type: ignore[arg-type]  # one call, one outcome: that is the point
    return after


@pytest.mark.parametrize(
    "before",
    [
        row({"1": wish(), "2": wish(location="Station 4", notes="Radio")}),
        in_step({"1": wish(), "2": wish()}),
        in_step({"1": wish()}, drift={}).model_copy(update={"calendars": row({}).calendars}),
    ],
    ids=["inserts", "patches", "a removal"],
)
async def test_writes(before: UserRow) -> None:
    """Each takes one call, and none is left to do; what stands there is as it was sent."""
    assert plan(before, DRESSED, NOW)
    after = await written(before, DRESSED)
    assert plan(after, DRESSED, NOW) == ()
    assert all(one.fingerprint == one.echo for one in after.applied.values())
    assert plan(after, Policy(), NOW) != () or not after.applied


async def test_two_writes_of_one_event() -> None:
    """Every write gives it another etag."""
    once = await written(row({"1": wish()}), Policy())
    twice = await written(once, DRESSED)
    (first,), (second,) = once.applied.values(), twice.applied.values()
    assert first.etag != second.etag


async def test_anything_else() -> None:
    """To read, to list and to revoke is a bug, and ends the worker."""
    port = ShadowCalendars()
    with pytest.raises(TypeError, match="never reads"):
        await port.call(GRANT, "primary", Get(event_id="bgs1", generation=0))
    with pytest.raises(TypeError, match="never lists"):
        await port.list_page(GRANT, "primary", "metro", NOW, None)
    with pytest.raises(TypeError, match="never revokes"):
        await port.revoke(SecretStr("token"))
