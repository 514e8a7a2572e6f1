"""The live group and its shadow, compared by whoever asks: both groups' rows and calls, once both have processed the same.

Comes in: a lookup, the shadow's names, whose users. Goes out: a `Comparison`. Not here: what makes a difference
(`planning.comparing`), and sentences.

What is under way must not look like a difference. So both groups are first waited for, up to where the topics ended when
they were looked at; users with work are looked at again; and a difference counts once two looks in a row have found it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from planning.comparing import Compared, compare
from schemas.comparisons import Comparison, Waits
from schemas.errors import OperatorError
from schemas.rows import UserRow
from streams import codec, shadow_calls
from streams.flow import count, waiting
from streams.rebuild import reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.comparisons import Difference
    from streams.lookup import Lookup
    from streams.names import Names, ShadowNames
    from streams.shadow_calls import Asked

#: Seconds between two looks at users that have still work.
AGAIN_S = 0.5


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
    began = await shadow_calls.beginning(lookup, names)
    until = asyncio.get_running_loop().time() + seconds
    before, now = None, await _look(lookup, names, asked, until)
    while not (now.is_still and (not now.found or _is_same(before, now))):
        if asyncio.get_running_loop().time() >= until:
            break
        await asyncio.sleep(AGAIN_S)
        before, now = now, await _look(lookup, names, asked, until)
    if now.users == 0 and asked.agency_id is not None:
        whom = (
            f"{asked.agency_id}/{asked.user_id}" if asked.user_id else f"anybody of agency {asked.agency_id}"
        )
        raise OperatorError(
            f"neither group knows {whom}: check the id, `shiftcal status` names the agencies that are known"
        )
    sure = _sure(before, now)
    calls = {
        name: await shadow_calls.results(lookup, one.results, asked, began)
        for name, one in (("live", live), ("shadow", names))
    }
    letters = [await shadow_calls.letters(lookup, one.dead_letters, asked, began) for one in (live, names)]
    told = [one for _, compared in sorted(sure.items()) for one in compared.differences]
    causes = shadow_calls.causes(calls["live"]) | shadow_calls.causes(calls["shadow"])
    return Comparison(
        live_group=live.app_id,
        shadow_group=names.app_id,
        behind=now.behind,
        users=now.users,
        alike=now.users - len(sure),
        differences=tuple(one.model_copy(update={"caused_by": causes.get(one.about)}) for one in told),
        turned=tuple(one.turned for _, one in sorted(sure.items()) if one.turned),
        waits=tuple(one.waits for _, one in sorted(sure.items()) if one.waits),
        live_calls=shadow_calls.total(calls["live"], began),
        shadow_calls=shadow_calls.total(calls["shadow"], began),
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
