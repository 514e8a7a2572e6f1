"""The limits do what they say, at sizes that prove nothing about speed."""

from __future__ import annotations

import orjson

from bench.broker import topic_bytes
from bench.crew import Crew
from bench.limits import quota_bound
from bench.limits.posting import body, post
from bench.limits.puts import put, rows
from bench.limits.relay import relay
from bench.stage import Stage
from tests.chaos.publication import Size


def test_the_bound_of_the_quota() -> None:
    """What fits into a minute takes none, since a window lets a burst through; each minute more lets as much through again."""
    assert quota_bound(2_399, 2_666) == 0
    assert quota_bound(4_000, 2_666) == 60
    assert quota_bound(4_800, 2_666) == 120
    size = Size()
    assert quota_bound(size.users * size.shifts, size.per_minute, size.minute) == size.bound


async def test_bare_clients(stage: Stage) -> None:
    """Aiohttp posts exactly what the product inserts; aiokafka passes every byte on; the broker says how much that is."""
    crew, other = Crew("t-same", 2, 3), Crew("t-bare", 2, 3)
    await stage.google.keep_bodies()
    await stage.start_worker()
    await stage.connect(crew)
    await stage.deliver("calendar-published", [crew.published(1)])
    await stage.deliver("schedule-changed", crew.all_changed(1))
    await stage.until_results(len(crew.shifts))
    await stage.until_in_sync(crew.users)
    sent = {
        one["event_id"]: orjson.loads(one["body"])
        for one in await stage.google.journal(0)
        if one["method"] == "events.insert"
    }
    assert sent == {crew.event(shift): orjson.loads(body(crew, shift, 1)) for shift in crew.shifts}
    assert await post(stage.google, other) > 0
    standing = [event for user in other.names() for event in await stage.google.events(other.account(user))]
    assert len(standing) == len(other.shifts)

    before = await topic_bytes(stage.bootstrap, stage.prefix)
    messages = [crew.changed([shift], 2) for shift in crew.shifts]
    assert await relay(stage.bootstrap, stage.prefix, messages) > 0
    await stage.deliver("schedule-changed", messages)
    grown = (await topic_bytes(stage.bootstrap, stage.prefix))["schedule-changed"] - before[
        "schedule-changed"
    ]
    assert grown >= sum(map(len, messages))

    await stage.until_idle()
    await stage.stop_worker()
    found = rows(stage.state)
    assert {key for key, _ in found} == {f"{crew.agency}/{user}".encode() for user in crew.names()}
    assert min(put(found, 100)) > 0
