"""`plan`: what would be written now, without writing it.

In: an agency, perhaps users. Out: a table, or JSON. Not here: what is due (`planning.due`), and reading (`streams.standing`).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.commands import Named, named
from ops.console import say, say_json, say_table
from ops.teach import add
from planning.due import due
from schemas.mutations import DeleteEvent
from streams import standing
from streams.lookup import looking
from streams.policies import load_policies
from streams.reach import names_of
from streams.serve import run
from streams.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planning.due import Due
    from schemas.mutations import Mutation
    from schemas.rows import UserRow
    from streams.settings import Settings

_HEADS = ("starts", "user", "write", "shift", "calendar", "version", "because of")
_FIRST = {
    "look": "a look at Google comes first, and may change it",
    "wait": "waits",
    "release": "the token is erased, and revoked",
}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "plan", plan)


def plan(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    users: Annotated[
        list[Named] | None,
        typer.Argument(
            parser=named,
            metavar="USER",
            help="Users' ids; none: everybody of the agency.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="List the soonest so many; the sums are of all.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
) -> None:
    """Say what would be written to Google now, soonest shift first, and write nothing.

    It follows from the users' rows in the changelog and from the policies as they stand in the file now: with a changed
    file it says what the workers would do after a restart. Held removals are counted, and not among the writes. Titles
    are shown only of users who are named.

    Examples: [bold]shiftcal plan metro-ems[/bold], [bold]shiftcal plan metro-ems u-17 u-18 --json[/bold]

    Reads: the changelog of the table users, SHIFTCAL_POLICIES. Writes: nothing.
    """
    settings = load_settings()
    chosen = list(dict.fromkeys(users or ()))
    found = run(_plan(settings, agency, chosen))
    if as_json:
        say_json([_described(user, one, titles=bool(chosen)) for user, one in found.items()])
        return
    rows = [(user, m) for user, one in found.items() for m in one.writes]
    rows.sort(key=lambda row: (row[1].start, row[0], row[1].event_id))
    if rows:
        heads = (*_HEADS, "title") if chosen else _HEADS
        say_table(heads, [_row(user, m, titles=bool(chosen)) for user, m in rows[:limit]])
    if len(rows) > limit:
        say(f"and {len(rows) - limit} more: --limit lists more of them")
    for line in _summary(found):
        say(line)


async def _plan(settings: Settings, agency: str, users: Sequence[str]) -> dict[str, Due]:
    names, policies = names_of(settings), load_policies(settings.policies)
    async with looking(settings, [names.changelog("users")]) as lookup:
        rows: Mapping[str, UserRow] = await standing.users(lookup, names, agency, users)
    policy, now = policies.of(agency), datetime.now(UTC)
    found = {user: due(row, policy, now) for user, row in sorted(rows.items())}
    return found if users else {user: one for user, one in found.items() if not one.is_idle}


def _row(user: str, mutation: Mutation, *, titles: bool) -> tuple[str, ...]:
    cause = mutation.cause
    because = f"{cause.topic} {cause.partition}:{cause.offset}" if cause else "a look"
    columns = (
        f"{mutation.start:%Y-%m-%d %H:%M}Z",
        user,
        mutation.op,
        mutation.shift_id,
        mutation.calendar_id,
        str(mutation.version),
        because,
    )
    return (*columns, _title(mutation) or "") if titles else columns


def _title(mutation: Mutation) -> str | None:
    return None if isinstance(mutation, DeleteEvent) else mutation.rendered.summary


def _summary(found: Mapping[str, Due]) -> list[str]:
    writes = Counter(mutation.op for one in found.values() for mutation in one.writes)
    busy = sum(bool(one.writes) for one in found.values())
    counted = ", ".join(f"{count} {op}" for op, count in sorted(writes.items()))
    total = (
        "nothing would be written" if not writes else f"{writes.total()} writes of {_users(busy)}: {counted}"
    )
    lines = [total]
    for user, one in found.items():
        if one.held:
            lines.append(f"{user}: {len(one.held)} removals are held")
        if one.left:
            lines.append(f"{user}: {one.left} differences made by hand are left as they are")
        if kept := sum(one.kept.values()):
            lines.append(f"{user}: {kept} events are kept as they stand")
        if one.step in _FIRST:
            why = (
                f": {one.problem.message} {one.problem.what_to_do}"
                if one.step == "wait" and one.problem
                else ""
            )
            lines.append(f"{user}: {_FIRST[one.step]}{why}")
    return lines


def _users(count: int) -> str:
    return "one user" if count == 1 else f"{count} users"


def _described(user: str, one: Due, *, titles: bool) -> dict[str, Any]:
    return {
        "user_id": user,
        "state": one.status.state,
        "step": one.step,
        "waits_for": one.problem.model_dump(mode="json") if one.problem else None,
        "writes": [_write(mutation, titles=titles) for mutation in one.writes],
        "held": [_write(mutation, titles=titles) for mutation in one.held],
        "left": one.left,
        "kept": dict(one.kept),
    }


def _write(mutation: Mutation, *, titles: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "write": mutation.op,
        "calendar_id": mutation.calendar_id,
        "shift_id": mutation.shift_id,
        "version": mutation.version,
        "google_event_id": mutation.event_id,
        "start": mutation.start,
        "end": mutation.end,
        "caused_by": mutation.cause.model_dump(mode="json") if mutation.cause else None,
    }
    return told | ({"title": _title(mutation)} if titles else {})
