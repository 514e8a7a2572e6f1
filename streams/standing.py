"""How users stand, read by whoever asks: their rows in the changelog, their statuses, and how far the workers are.

In: a lookup. Out: rows and statuses by user. Not here: what is due (`planning.due`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import OperatorError
from schemas.explanations import Flow
from schemas.outputs import SyncStatus
from schemas.rows import UserRow
from streams import codec
from streams.flow import count, is_rebuilt, members, waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from streams.lookup import Lookup
    from streams.names import Names

Who = tuple[str, str]

#: So many of the known ids are named to who asks for one that is not known.
_NAMED = 10


def topics(names: Names) -> tuple[str, ...]:
    """Return the topics that are read."""
    return (*names.inputs, *names.internal, names.changelog("users"), names.status, names.rebuild)


async def users(lookup: Lookup, names: Names, agency_id: str, user_ids: Sequence[str]) -> dict[str, UserRow]:
    """Return the rows of these users, or of everybody of the agency; refuses where one is not known."""
    changelog = names.changelog("users")
    if user_ids:
        found = {user: await lookup.row(changelog, codec.key(agency_id, user)) for user in user_ids}
        rows = {user: codec.decode(UserRow, data) for user, data in found.items() if data is not None}
        if lacking := [user for user in user_ids if user not in rows]:
            raise OperatorError(
                f"nothing is known of {' and '.join(lacking)} of agency {agency_id}: nobody ever connected under that id, and"
                f" no shift was ever assigned to it; check both ids, `shiftcal status {agency_id}` names who is known"
            )
        return rows
    begin = codec.key(agency_id, "")
    seen: set[bytes] = set()

    def wanted(key: bytes) -> bool:
        seen.add(key.partition(b"/")[0])
        return key.startswith(begin)

    all_of = await lookup.rows(changelog, wanted)
    if not all_of:
        raise _unknown(agency_id, sorted(agency.decode() for agency in seen))
    return {key.decode().partition("/")[2]: codec.decode(UserRow, data) for key, data in all_of.items()}


async def statuses(lookup: Lookup, names: Names, agency_id: str | None) -> dict[Who, SyncStatus]:
    """Return the newest status of everybody, or of everybody of an agency; refuses an agency that is not known."""
    found = await lookup.rows(names.status, lambda _: True)
    told = [SyncStatus.model_validate_json(data) for data in found.values()]
    if agency_id is not None and all(one.agency_id != agency_id for one in told):
        raise _unknown(agency_id, sorted({one.agency_id for one in told}))
    return {(one.agency_id, one.user_id): one for one in told if agency_id in {None, one.agency_id}}


async def flow(lookup: Lookup, names: Names, who: Who | None = None) -> Flow:
    """Return how far the workers are with everything, or with the facts of one user."""
    mine = [lookup.home(names.user_facts, codec.key(*who))] if who else lookup.all_of(names.user_facts)
    calendars = lookup.all_of(names.calendar_facts)
    inputs = [tp for topic in names.inputs for tp in lookup.all_of(topic)]
    left = await waiting(lookup, names, [*inputs, *calendars, *mine])

    def of(partitions: Iterable[object]) -> int:
        return count({tp: found for tp, found in left.items() if tp in set(partitions)})

    return Flow(
        workers=await members(lookup, names),
        rebuilt=await is_rebuilt(lookup, names),
        inputs=of(inputs),
        calendar_facts=of(calendars),
        user_facts=of(mine),
    )


def _unknown(agency_id: str, known: Collection[str]) -> OperatorError:
    if not known:
        return OperatorError(
            f"nothing is known of agency {agency_id}, nor of any other: no worker has processed a message yet"
        )
    named = ", ".join(list(known)[:_NAMED]) + (" and others" if len(known) > _NAMED else "")
    return OperatorError(f"nothing is known of agency {agency_id}: check its id; known are {named}")
