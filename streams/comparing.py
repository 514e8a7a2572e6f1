"""The live group and its shadow, compared by whoever asks: both groups' rows and calls, once both have processed the same.

Comes in: a lookup, the shadow's names, whose users. Goes out: a `Comparison`. Not here: what makes a difference
(`planning.comparing`), and sentences.

What is under way must not look like a difference. So both groups are first waited for, up to where the topics ended when
they were looked at; users with work are looked at again; and a difference counts once two looks in a row have found it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import orjson
from aiokafka.structs import TopicPartition

from planning.comparing import Compared, compare
from schemas.comparisons import Calls, Comparison, Waits
from schemas.errors import OperatorError
from schemas.outputs import SyncResult
from schemas.rows import UserRow
from streams import codec
from streams.flow import count, waiting
from streams.kafka import timestamp
from streams.rebuild import DONE, reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.comparisons import Difference
    from schemas.outputs import Action, CausedBy
    from streams.lookup import Lookup, Record
    from streams.names import Names, ShadowNames

#: Seconds between two looks at users that have still work.
AGAIN_S = 0.5


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


class _Began(NamedTuple):
    """When the shadow began to be caught up, and up to where it had read the inputs then."""

    at: datetime
    inputs: Mapping[tuple[str, int], int]


class _Looked(NamedTuple):
    """What one look found, by user."""

    users: int
    found: dict[bytes, Compared]
    behind: dict[str, int]

    @property
    def differences(self) -> dict[tuple[str, ...], Difference]:
        """Return all differences by shift."""
        return {one.about: one for compared in self.found.values() for one in compared.differences}

    @property
    def is_still(self) -> bool:
        """Say whether nobody has work, and nothing is unread."""
        return not any(self.behind.values()) and not any(one.waits for one in self.found.values())


def topics(names: ShadowNames) -> tuple[str, ...]:
    """Return the topics that are read."""
    live = names.of_live
    both = (names, live)
    return (
        *names.inputs,
        *(topic for one in both for topic in one.internal),
        *(one.changelog("users") for one in both),
        *(topic for one in both for topic in (one.results, one.dead_letters)),
        names.rebuild,
    )


async def comparison(lookup: Lookup, names: ShadowNames, asked: Asked, seconds: float) -> Comparison:
    """Compare the two, waiting so long for what is under way."""
    live = names.of_live
    began = await _began(lookup, names)
    until = asyncio.get_running_loop().time() + seconds
    before, now = None, await _look(lookup, names, asked, until)
    while not (now.is_still and (not now.found or _is_same(before, now))):
        if asyncio.get_running_loop().time() >= until:
            break
        await asyncio.sleep(AGAIN_S)
        before, now = now, await _look(lookup, names, asked, until)
    sure = _sure(before, now)
    calls = {
        name: await _results(lookup, one.results, asked, began)
        for name, one in (("live", live), ("shadow", names))
    }
    letters = [await _letters(lookup, one.dead_letters, asked, began) for one in (live, names)]
    told = [one for _, compared in sorted(sure.items()) for one in compared.differences]
    causes = _causes(calls["live"]) | _causes(calls["shadow"])
    return Comparison(
        live_group=live.app_id,
        shadow_group=names.app_id,
        behind=now.behind,
        users=now.users,
        alike=now.users - len(sure),
        differences=tuple(one.model_copy(update={"caused_by": causes.get(one.about)}) for one in told),
        turned=tuple(one.turned for _, one in sorted(sure.items()) if one.turned),
        waits=tuple(one.waits for _, one in sorted(sure.items()) if one.waits),
        live_calls=_sum(calls["live"], began),
        shadow_calls=_sum(calls["shadow"], began),
        live_letters=letters[0],
        shadow_letters=letters[1],
    )


# Rows


async def _look(lookup: Lookup, names: ShadowNames, asked: Asked, until: float) -> _Looked:
    behind = await _caught_up(lookup, (names.of_live, names), until)
    live, shadow = [await lookup.rows(one.changelog("users"), asked.wants) for one in (names.of_live, names)]
    now = datetime.now(UTC)
    found = {}
    for number, key in enumerate(sorted({*live, *shadow})):
        if number % 100 == 0:
            await asyncio.sleep(0)
        compared = compare(_row(live, key), _row(shadow, key), now)
        if not compared.is_alike:
            found[key] = compared
    return _Looked(len({*live, *shadow}), found, behind)


def _row(rows: Mapping[bytes, bytes], key: bytes) -> UserRow | None:
    data = rows.get(key)
    return None if data is None else codec.decode(UserRow, data)


async def _caught_up(lookup: Lookup, groups: Iterable[Names], until: float) -> dict[str, int]:
    """Wait for both groups, topic by topic in the order of the flow; return how much is unread where time has ended."""
    behind = {}
    for names in groups:
        stages = (names.inputs, (names.calendar_facts,), (names.user_facts,))
        try:
            async with asyncio.timeout_at(until):
                for stage in stages:
                    tps = [tp for topic in stage for tp in lookup.all_of(topic)]
                    await reach(lookup.cluster, names.app_id, await lookup.cluster.ends(tps))
            behind[names.app_id] = 0
        except TimeoutError:
            tps = [tp for stage in stages for topic in stage for tp in lookup.all_of(topic)]
            behind[names.app_id] = count(await waiting(lookup, names, tps))
    return behind


def _is_same(before: _Looked | None, now: _Looked) -> bool:
    return before is not None and before.is_still and before.found == now.found


def _sure(before: _Looked | None, now: _Looked) -> dict[bytes, Compared]:
    """Leave what was found once only, or while somebody was behind, to be asked about again."""
    if not any(now.behind.values()) and _is_same(before, now):
        return now.found
    seen = before.differences if before is not None else {}
    lagging = any(now.behind.values())
    return {key: _doubted(one, seen, lagging=lagging) for key, one in now.found.items()}


def _doubted(one: Compared, seen: Mapping[tuple[str, ...], Difference], *, lagging: bool) -> Compared:
    if one.waits is not None:
        return one
    if not lagging and one.turned is None and all(seen.get(each.about) == each for each in one.differences):
        return one
    first = one.differences[0] if one.differences else one.turned
    if first is None:
        raise ValueError("nothing was found of this user")
    why = "differs, and may only be behind"
    return Compared(waits=Waits(agency_id=first.agency_id, user_id=first.user_id, why=why))


# Calls


async def _began(lookup: Lookup, names: ShadowNames) -> _Began:
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
    return _Began(at, inputs)


async def _since(
    lookup: Lookup, topic: str, asked: Asked, began: _Began
) -> dict[TopicPartition, tuple[int, int]]:
    return await lookup.since(topic, max(began.at, asked.since) if asked.since else began.at)


async def _results(lookup: Lookup, topic: str, asked: Asked, began: _Began) -> list[SyncResult]:
    """Return the calls since the shadow began; one that was told twice counts once."""
    found: dict[tuple[object, ...], SyncResult] = {}
    async for record in lookup.forwards(await _since(lookup, topic, asked, began)):
        if record.key is None or not asked.wants(record.key):
            continue
        one = SyncResult.model_validate_json(record.value)
        found[one.google_event_id, one.action, one.at] = one
    return list(found.values())


async def _letters(lookup: Lookup, topic: str, asked: Asked, began: _Began) -> int:
    """Count dead letters of what was read since; they are nobody's in particular."""

    def is_new(record: Record) -> bool:
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        place = headers.get("source-topic", ""), int(headers.get("source-partition", "0"))
        return int(headers.get("source-offset", "0")) >= began.inputs.get(place, 0)

    found = [record async for record in lookup.forwards(await _since(lookup, topic, asked, began))]
    return sum(map(is_new, found))


def _sum(results: Iterable[SyncResult], began: _Began) -> Calls:
    """Count the calls for messages that both have heard as they came; what a look repairs has none, and is left out."""
    actions: Counter[Action] = Counter()
    changes = set()
    for one in results:
        cause = one.caused_by
        if cause is not None and cause.offset >= began.inputs.get((cause.topic, cause.partition), 0):
            actions[one.action] += 1
            changes.add((cause.topic, cause.partition, cause.offset))
    return Calls(actions=dict(sorted(actions.items())), changes=len(changes))


def _causes(results: Iterable[SyncResult]) -> dict[tuple[str, str, str, str], CausedBy | None]:
    """Return the message behind the newest call about each shift."""
    ordered = sorted(results, key=lambda one: one.at)
    return {(one.agency_id, one.user_id, one.calendar_id, one.shift_id): one.caused_by for one in ordered}
