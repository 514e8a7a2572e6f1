"""`shadow diff`: what a shadow would do otherwise than the live group.

In: an agency and a user, or everybody. Out: sentences, or JSON. Not here: what makes a difference (`planning.comparing`),
and where it is read (`streams.comparing`).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from ops.commands import Named, named
from ops.console import complain, say, say_json
from ops.teach import add
from schemas.base import Instant
from streams import comparing
from streams.lookup import looking
from streams.reach import shadow_names_of
from streams.serve import run
from streams.settings import load_settings
from streams.shadow_calls import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.comparisons import Calls, Comparison, Difference
    from schemas.outputs import CausedBy
    from streams.settings import Settings

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def moment(text: str) -> datetime:
    """Parse a time of the command line."""
    try:
        return _INSTANT.validate_python(text)
    except ValidationError:
        raise typer.BadParameter(
            "expected a time with its offset from UTC, such as 2026-12-02T07:00:00Z"
        ) from None


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(help="Compare a shadow with the live group.", rich_markup_mode="rich")
    add(group, "diff", diff)
    app.add_typer(group, name="shadow")


def diff(
    agency: Annotated[
        Named | None,
        typer.Argument(
            parser=named, metavar="AGENCY", help="The agency's id; none: all of them.", show_default=False
        ),
    ] = None,
    user: Annotated[
        Named | None,
        typer.Argument(
            parser=named, metavar="USER", help="The user's id; none: everybody.", show_default=False
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Count calls and dead letters from then on, such as 2026-12-01T00:00:00Z; none: since the shadow began.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for what is under way.")
    ] = 30,
    limit: Annotated[int, typer.Option(min=1, help="Tell so many shifts; the sums are of all.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
) -> None:
    """Say what a worker like the shadow would do otherwise than the live group: in calendars, and in calls.

    Both are waited for until they have processed the same messages. Shifts are told by their ids, with the message behind
    the newest call, and never by their titles. What a shadow cannot know, such as an edit by hand or a refusal of Google's,
    is told apart and counts as no difference. Exits 0 where both are equal, 1 where they differ or one of them still has work.

    Examples: [bold]shiftcal shadow diff[/bold], [bold]shiftcal shadow diff metro-ems u-17 --json[/bold]

    Reads: the changelogs of the table users of both groups, sync-results, dead-letters, the shadow's topics. Writes: nothing.
    """
    found = run(_diff(load_settings(), Asked(agency, user, since), wait))
    if as_json:
        say_json(_described(found))
    else:
        for line in _lines(found, limit):
            say(line)
    if not found.is_settled:
        complain(f"not everything could be compared within {wait:g} s: --wait SECONDS waits for longer")
    if not found.is_equal:
        raise typer.Exit(1)


async def _diff(settings: Settings, asked: Asked, wait: float) -> Comparison:
    names = shadow_names_of(settings)
    async with looking(settings, comparing.topics(names)) as lookup:
        return await comparing.comparison(lookup, names, asked, wait)


def _described(found: Comparison) -> dict[str, Any]:
    return {"equal": found.is_equal, "settled": found.is_settled, **found.model_dump(mode="json")}


def _lines(found: Comparison, limit: int) -> Iterator[str]:
    yield from _behind(found)
    for turned in found.turned:
        yield (
            f"{turned.agency_id}/{turned.user_id}: the live group has the connection as {turned.live},"
            f" the shadow as {turned.shadow}"
        )
    for one in found.told[:limit]:
        yield from _of_shift(one)
    if len(found.told) > limit:
        yield f"and {len(found.told) - limit} more: --limit tells more of them"
    apart = [one for one in found.differences if one.unseen is not None]
    for one in apart[:limit]:
        yield f"{_name(one)} stands differently, which a shadow cannot know better: {one.unseen}"
    if len(apart) > limit:
        yield f"and {len(apart) - limit} more of that kind: --limit tells more of them"
    for each in found.waits[:limit]:
        yield f"{each.agency_id}/{each.user_id} cannot be compared yet: {each.why}"
    if len(found.waits) > limit:
        yield f"and {len(found.waits) - limit} more who cannot be compared yet: --limit tells more of them"
    yield from _sums(found)


def _behind(found: Comparison) -> Iterator[str]:
    for group, left in found.behind.items():
        if left:
            what = "the live group" if group == found.live_group else "the shadow"
            yield f"{what} {group} has still to process {_many(left, 'message')}"


def _of_shift(one: Difference) -> Iterator[str]:
    match one.kind:
        case "missing":
            version = f" (version {one.live.version})" if one.live else ""
            yield f"{_name(one)} stands there{version}; the shadow would delete it"
        case "extra":
            version = f" as version {one.shadow.version}" if one.shadow else ""
            yield f"{_name(one)} does not stand there; the shadow would insert it{version}"
        case "different":
            versions = f" (version {one.live.version})" if one.live else ""
            other = f" to version {one.shadow.version}" if one.shadow else ""
            yield f"{_name(one)} stands there otherwise{versions}; the shadow would patch it{other}"
    if one.caused_by is not None:
        yield f"    {_place(one.caused_by)}"


def _name(one: Difference) -> str:
    return f"{one.agency_id}/{one.user_id}: shift {one.shift_id} of calendar {one.calendar_id}"


def _place(cause: CausedBy) -> str:
    at = cause.occurred_at.astimezone(UTC)
    return (
        f"{cause.topic}, partition {cause.partition}, offset {cause.offset},"
        f" occurred at {at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _sums(found: Comparison) -> Iterator[str]:
    writes = Counter(one.write for one in found.told)
    counted = ", ".join(f"{number} {write}" for write, number in sorted(writes.items()))
    if found.told:
        users = {(one.agency_id, one.user_id) for one in found.told}
        yield f"{_many(len(found.told), 'difference')} of {_many(len(users), 'user')}: {counted}"
    yield f"{found.alike} of {_many(found.users, 'user')} are alike"
    for name, calls in (("live group", found.live_calls), ("shadow", found.shadow_calls)):
        yield f"calls of the {name} since the shadow began: {_called(calls)}"
    if found.live_letters or found.shadow_letters:
        yield f"dead letters since then: {found.live_letters} of the live group, {found.shadow_letters} of the shadow"


def _called(calls: Calls) -> str:
    if not calls.calls:
        return "none"
    actions = ", ".join(f"{number} {action}" for action, number in sorted(calls.actions.items()))
    each = f", {calls.calls / calls.changes:.2f} for each" if calls.changes else ""
    return f"{calls.calls} for {_many(calls.changes, 'message')}{each}: {actions}"


def _many(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s"
