"""`status`: what is waiting, and why.

In: nothing, an agency, or a user. Out: sums, a list of who needs attention, or one user's state in sentences. Not here:
what is due (`planning.due`), and reading (`streams.standing`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ops.commands import Named, named
from ops.console import say, say_json, say_table
from ops.standing import described, lines
from ops.teach import add
from planning.due import Tally, due, needs_attention, tally
from schemas.outputs import SyncState
from streams import standing
from streams.lookup import looking
from streams.policies import load_policies
from streams.reach import names_of
from streams.serve import run
from streams.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planning.due import Due
    from schemas.explanations import Flow
    from schemas.outputs import SyncStatus
    from streams.settings import Settings
    from streams.standing import Who

#: So many users are listed unless all are asked for.
_MOST = 50
_STATES: tuple[str, ...] = get_args(SyncState)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "status", status)


def status(
    agency: Annotated[
        Named | None,
        typer.Argument(
            parser=named, metavar="AGENCY", help="The agency's id; none: all.", show_default=False
        ),
    ] = None,
    user: Annotated[
        Named | None,
        typer.Argument(parser=named, metavar="USER", help="The user's id; none: all.", show_default=False),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="List every user of the agency, not only who needs attention.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
) -> None:
    """Say what is waiting and why: for a user, for the users of an agency, or in sums for all agencies.

    Works whether or not workers run: it says how many do, and how many messages wait for them. Of an agency those users are
    listed for whom something waits or is wrong, with what to do. Of one user it says what comes next, and what is held.

    Examples: [bold]shiftcal status[/bold], [bold]shiftcal status metro-ems --all[/bold],
    [bold]shiftcal status metro-ems u-17 --json[/bold]

    Reads: sync-status, the changelog of the table users, the consumer group's offsets, SHIFTCAL_POLICIES. Writes: nothing.
    """
    settings = load_settings()
    if agency is not None and user is not None:
        _one(settings, (agency, user), as_json=as_json)
    else:
        _many(settings, agency, everybody=everybody, as_json=as_json)


# One user


def _one(settings: Settings, who: Who, *, as_json: bool) -> None:
    found, flow = run(_of_user(settings, who))
    if as_json:
        say_json(described(found) | {"workers": flow.model_dump(mode="json")})
    else:
        for line in (*lines(found), *_workers(flow)):
            say(line)


async def _of_user(settings: Settings, who: Who) -> tuple[Due, Flow]:
    names, policies = names_of(settings), load_policies(settings.policies)
    async with looking(settings, standing.topics(names)) as lookup:
        rows = await standing.users(lookup, names, who[0], [who[1]])
        flow = await standing.flow(lookup, names, who)
    return due(rows[who[1]], policies.of(who[0]), datetime.now(UTC)), flow


# All users of an agency, or of all agencies


def _many(settings: Settings, agency: str | None, *, everybody: bool, as_json: bool) -> None:
    found, flow = run(_of_users(settings, agency))
    sums = _sums(found)
    if as_json:
        listed = list(found.values()) if agency is not None else []
        say_json(
            {
                "workers": flow.model_dump(mode="json"),
                "agencies": {name: _described(one) for name, one in sums.items()},
            }
            | ({"users": [one.model_dump(mode="json") for one in listed]} if agency is not None else {})
        )
        return
    for line in _workers(flow):
        say(line)
    if not found:
        say("nobody is known yet: no message named a user, and nobody connected")
        return
    heads = ("agency", "users", *(state.replace("_", " ") for state in _STATES), "pending", "oldest", "held")
    say_table(heads, [_row(name, one) for name, one in sums.items()])
    if agency is not None:
        _list([one for one in found.values() if everybody or needs_attention(one)], cut=not everybody)


async def _of_users(settings: Settings, agency: str | None) -> tuple[dict[Who, SyncStatus], Flow]:
    names = names_of(settings)
    async with looking(settings, standing.topics(names)) as lookup:
        found = await standing.statuses(lookup, names, agency)
        return dict(sorted(found.items())), await standing.flow(lookup, names)


def _sums(found: Mapping[Who, SyncStatus]) -> dict[str, Tally]:
    by_agency: dict[str, list[SyncStatus]] = defaultdict(list)
    for (agency, _), one in found.items():
        by_agency[agency].append(one)
    return {agency: tally(some) for agency, some in by_agency.items()}


def _described(one: Tally) -> dict[str, Any]:
    return one._asdict() | {"states": {state: one.states.get(state, 0) for state in _STATES}}


def _row(agency: str, one: Tally) -> tuple[str, ...]:
    states = (str(one.states.get(state, 0)) for state in _STATES)
    return (agency, str(one.users), *states, str(one.pending), _at(one.oldest_pending_at), str(one.held))


def _list(users: Sequence[SyncStatus], *, cut: bool) -> None:
    if not users:
        say("\nnothing waits, and nothing is wrong")
        return
    shown = users[:_MOST] if cut else users
    say("")
    heads = ("user", "state", "pending", "oldest", "last synced", "what is wrong", "what to do")
    say_table(heads, [_listed(one) for one in shown])
    if len(shown) < len(users):
        say(f"and {len(users) - len(shown)} more: --all lists them")


def _listed(one: SyncStatus) -> tuple[str, ...]:
    error = one.last_error
    wrong = (f"{error.code}: {error.message}", error.what_to_do) if error else ("", "")
    times = (_at(one.oldest_pending_at), _at(one.last_synced_at))
    return (one.user_id, one.state, str(one.pending), *times, *wrong)


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


# Workers


def _workers(flow: Flow) -> list[str]:
    """Say who works, and what waits for them."""
    said = {
        None: "how many workers run cannot be told by this Kafka",
        0: "no worker runs",
        1: "one worker runs",
    }.get(flow.workers, f"{flow.workers} workers run")
    waits = flow.inputs + flow.calendar_facts + flow.user_facts
    if waits:
        said += (
            f"; {waits} messages wait for them ({flow.inputs} of the input topics, {flow.calendar_facts} about calendars,"
            f" {flow.user_facts} about users)"
        )
    else:
        said += "; no message waits for them" if flow.workers else ", and no message waits"
    built = [] if flow.rebuilt else ["the state is not complete yet: nothing is written before it is"]
    return [said, *built]
