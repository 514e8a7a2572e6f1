"""`replay`: a part of the input topics, read again and handed to the running workers.

In: topics and a place to begin. Out: the facts of each message on the internal topics, with the coordinates that it
had, and a resync for every user it concerns. Dead letters are not written again.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from ops.commands import send
from ops.concerned import Concerned
from ops.console import progress, say
from ops.handover import Hand
from ops.teach import add
from planning.intake import INPUTS
from schemas.base import Instant
from streams.kafka import Reader, reading, sending
from streams.reach import names_of
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiokafka.structs import ConsumerRecord

    from streams.names import Names

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
_LAST_OFFSET = 2**63 - 1


def _topic(text: str) -> str:
    if text not in INPUTS:
        raise typer.BadParameter(f"{text} is none of {', '.join(INPUTS)} (without prefix)")
    return text


class Start:
    """Where to begin: an offset of every partition, a broker's timestamp, or the beginning."""

    def __init__(self, offset: int = 0, at: datetime | None = None) -> None:
        self.offset = offset
        self.at = at


def _start(text: str) -> Start:
    if text.isdecimal() and int(text) <= _LAST_OFFSET:
        return Start(offset=int(text))
    try:
        return Start(at=_INSTANT.validate_python(text))
    except ValidationError:
        raise typer.BadParameter(
            "expected an offset, such as 1200, or a time with its offset from UTC, such as 2026-12-02T07:00:00Z"
        ) from None


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "replay", replay)


def replay(
    topics: Annotated[
        list[str],
        typer.Argument(
            parser=_topic, metavar="TOPIC", help="Input topics, named without prefix.", show_default=False
        ),
    ],
    start: Annotated[
        Start | None,
        typer.Option(
            "--from",
            parser=_start,
            metavar="TIME|OFFSET",
            help="Where to begin, in every partition: the broker's time, or an offset. None: the beginning.",
            show_default=False,
        ),
    ] = None,
    no_resync: Annotated[
        bool, typer.Option("--no-resync", help="Send no resyncs: with state, nothing will happen.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="On a terminal, too, go on without asking.")] = False,
) -> None:
    """Read a part of the input topics again and hand it to the running workers; the manual re-sync.

    Every message up to now is read as it was the first time, then one resync goes to every user it concerns: Google is
    looked at, and every difference repaired. Messages that cannot be read are counted and do not become dead letters
    again. On a terminal everything is counted first, and nothing is sent before you say yes.

    Examples: [bold]shiftcal replay schedule-changed calendar-published --from 2026-12-01T00:00:00Z --dry-run[/bold],
    [bold]shiftcal replay schedule-changed --from 1200[/bold]

    Reads: the topics, and the changelogs of the tables rosters and assignments, for who is concerned. Writes: the
    internal topics, and a resync command per user to the topic sync-commands.
    """
    settings, chosen, begin = load_settings(), list(dict.fromkeys(topics)), start or Start()
    asks = sys.stdin.isatty() and not (dry_run or yes)
    if asks or dry_run:
        run(_replay(settings, chosen, begin, _Wish(resync=not no_resync, dry=True)))
    if asks:
        typer.confirm("hand them over?", abort=True)
    if not dry_run:
        run(_replay(settings, chosen, begin, _Wish(resync=not no_resync, dry=False)))


class _Wish:
    """What is to be done with what is read."""

    def __init__(self, *, resync: bool, dry: bool) -> None:
        self.resync = resync
        self.dry = dry


async def _replay(settings: Settings, topics: list[str], start: Start, wish: _Wish) -> None:
    names = names_of(settings)
    changelogs = [names.changelog("rosters"), names.changelog("assignments")] if wish.resync else []
    concerned = Concerned()
    async with reading(settings, [*map(names.topic, topics), *changelogs]) as reader:
        if wish.dry:
            say(await _hand_over(reader, topics, start, Hand(names, None, concerned)))
        else:
            async with sending(settings, [*names.internal, names.topic("sync-commands")]) as sender:
                say(await _hand_over(reader, topics, start, Hand(names, sender, concerned)))
        if wish.resync:
            await _ask(reader, names, concerned)
    if not wish.resync:
        return
    if not wish.dry:
        await send(settings, sorted(concerned.users), {"command": "resync"})
    users = "one user" if len(concerned.users) == 1 else f"{len(concerned.users)} users"
    say(f"{'would ask' if wish.dry else 'asked'} for a resync of {users}")


async def _hand_over(reader: Reader, topics: list[str], start: Start, hand: Hand) -> str:
    # One topic after the other, in the order given; nothing depends on the order.
    for name in topics:
        async for record in _range(reader, hand.names.topic(name), start):
            await hand.take(name, record)
    return await hand.end()


async def _range(reader: Reader, topic: str, start: Start) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    ends, starts = await reader.ends(topic), await reader.beginnings(topic)
    if start.at is not None:
        starts = await reader.since(topic, start.at)
    else:
        starts = {tp: max(first, start.offset) for tp, first in starts.items()}
    with progress(f"reading {topic}", sum(max(0, ends[tp] - first) for tp, first in starts.items())) as tell:
        done = 0
        async for record in reader.records(starts, ends):
            yield record
            done += 1
            if done % 256 == 0:
                tell(done)


async def _ask(reader: Reader, names: Names, concerned: Concerned) -> None:
    """Complete the users with those whom the messages do not name."""
    if concerned.asks_for_members:
        async for record in reader.everything(names.changelog("rosters")):
            if record.key is not None:
                concerned.roster(record.key)
    if concerned.asks_for_holders:
        async for record in reader.everything(names.changelog("assignments")):
            if record.key is not None and record.value is not None:
                concerned.assignment(record.key, record.value)
