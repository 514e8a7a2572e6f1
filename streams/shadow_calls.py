"""What the live group and its shadow did since the shadow began: calls, and dead letters, each as they were told.

Comes in: a lookup, the shadow's names. Goes out: results and sums. Not here: what stands in calendars (`comparing`).

The shadow's first announcement of its rebuild says up to where it had read the inputs: what came later both have heard as
it came, and can be counted side by side.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import orjson
from aiokafka.structs import TopicPartition

from schemas.comparisons import Calls
from schemas.errors import OperatorError
from schemas.outputs import SyncResult
from streams import codec
from streams.kafka import timestamp
from streams.rebuild import DONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.outputs import Action, CausedBy
    from streams.lookup import Lookup, Range, Record
    from streams.names import ShadowNames


class Asked(NamedTuple):
    """Whom the question is about; None: everybody. `since`: calls and dead letters from then on; None: all that both heard."""

    agency_id: str | None = None
    user_id: str | None = None
    since: datetime | None = None

    def wants(self, key: bytes) -> bool:
        """Say whether this key of a user's row is asked about."""
        if self.agency_id is None:
            return True
        if self.user_id is None:
            return key.startswith(codec.key(self.agency_id, ""))
        return key == codec.key(self.agency_id, self.user_id)


class Began(NamedTuple):
    """When the shadow began to be caught up, and up to where it had read the inputs then."""

    at: datetime
    inputs: Mapping[tuple[str, int], int]


async def beginning(lookup: Lookup, names: ShadowNames) -> Began:
    """Return where the shadow began; refuses while it has not caught up."""
    at, inputs, done = None, dict[tuple[str, int], int](), False
    tp = TopicPartition(names.rebuild, 0)
    async for record in lookup.forwards(await lookup.ranges([tp])):
        if record.key == b"inputs" and record.value is not None:
            at = timestamp(record)
            for name, offset in orjson.loads(record.value)["targets"].items():
                topic, _, partition = name.rpartition("/")
                inputs[topic, int(partition)] = offset
        done = done or (record.key == DONE.encode() and bool(record.value))
    if at is None or not done:
        raise OperatorError(
            f"the shadow {names.app_id} has not caught up yet: start it with `shiftcal worker --shadow`, and ask again once"
            " it is ready"
        )
    return Began(at, inputs)


async def _since(lookup: Lookup, topic: str, asked: Asked, began: Began) -> dict[TopicPartition, Range]:
    return await lookup.since(topic, max(began.at, asked.since) if asked.since else began.at)


async def results(lookup: Lookup, topic: str, asked: Asked, began: Began) -> list[SyncResult]:
    """Return the calls since the shadow began; one that was told twice counts once."""
    found: dict[tuple[object, ...], SyncResult] = {}
    async for record in lookup.forwards(await _since(lookup, topic, asked, began)):
        if record.key is None or not asked.wants(record.key):
            continue
        one = SyncResult.model_validate_json(record.value)
        found[one.google_event_id, one.action, one.at] = one
    return list(found.values())


async def letters(lookup: Lookup, topic: str, asked: Asked, began: Began) -> int:
    """Count dead letters of what was read since; they are nobody's in particular."""

    def is_new(record: Record) -> bool:
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        place = headers.get("source-topic", ""), int(headers.get("source-partition", "0"))
        return int(headers.get("source-offset", "0")) >= began.inputs.get(place, 0)

    found = [record async for record in lookup.forwards(await _since(lookup, topic, asked, began))]
    return sum(map(is_new, found))


def total(results: Iterable[SyncResult], began: Began) -> Calls:
    """Count the calls for messages that both have heard as they came; what a look repairs has none, and is left out."""
    actions: Counter[Action] = Counter()
    changes = set()
    for one in results:
        cause = one.caused_by
        if cause is not None and cause.offset >= began.inputs.get((cause.topic, cause.partition), 0):
            actions[one.action] += 1
            changes.add((cause.topic, cause.partition, cause.offset))
    return Calls(actions=dict(sorted(actions.items())), changes=len(changes))


def causes(results: Iterable[SyncResult]) -> dict[tuple[str, str, str, str], CausedBy | None]:
    """Return the message behind the newest call about each shift."""
    ordered = sorted(results, key=lambda one: one.at)
    return {(one.agency_id, one.user_id, one.calendar_id, one.shift_id): one.caused_by for one in ordered}
