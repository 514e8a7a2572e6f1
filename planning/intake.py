"""Read one message of an input topic: into facts, or into dead letters.

Comes in: raw bytes, plain or in a CloudEvent, and where they stood. Goes out: keyed facts for the two internal topics, and a `DeadLetter` for each
part that cannot be read. One bad change never takes its neighbours along. The error names the field, what was expected
and, cut short, what came; never a text of somebody's schedule.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from planning.cloudevents import Opened, carried, opened
from planning.describe import describe
from planning.pieces import cut
from schemas.cause import Cause
from schemas.errors import BadMessage
from schemas.facts import (
    CalendarFact,
    Changes,
    Connected,
    Deactivated,
    Disconnected,
    PublicationChanged,
    ResyncAsked,
    ShiftsChanged,
    UserFact,
)
from schemas.messages import (
    CalendarPublished,
    CalendarUnpublished,
    Connect,
    Disconnect,
    Envelope,
    Resync,
    ScheduleHeader,
    ShiftChange,
    SyncCommand,
    UserDeactivated,
)
from schemas.outputs import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.errors import Reason

#: Commands decide by `occurred_at`; one from the future would win over everything until then.
AHEAD = timedelta(minutes=5)

#: Letters of one message, and characters of its envelope in all their copies; a million zeros in place of changes, or a
#: long envelope with many of them, would otherwise come to more than any memory holds.
MOST_LETTERS, MOST_COPIED = 50_000, 64 << 20

#: Bytes that a letter holds; topics take 16 MiB. Longer ones come compressed, and stay where they are.
LONGEST_LETTER = 15 << 20

_EARLIEST, _LATEST = 0.0, datetime(9000, 1, 1, tzinfo=UTC).timestamp()

_CHANGE: TypeAdapter[Any] = TypeAdapter(ShiftChange)
_READERS: dict[str, TypeAdapter[Any]] = {
    "schedule-changed": TypeAdapter(ScheduleHeader),
    "calendar-published": TypeAdapter(CalendarPublished),
    "calendar-unpublished": TypeAdapter(CalendarUnpublished),
    "user-deactivated": TypeAdapter(UserDeactivated),
    "sync-commands": TypeAdapter(SyncCommand),
}

#: The input topics, by their names without prefix.
INPUTS = tuple(_READERS)


class Source(NamedTuple):
    """A record of an input topic. `name` is the topic without prefix, `topic` its real name, `at` the broker's timestamp."""

    name: str
    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Reading(NamedTuple):
    """What a message came to, and whom its envelope names, as far as it could be read."""

    calendar_facts: tuple[CalendarFact, ...] = ()
    user_facts: tuple[UserFact, ...] = ()
    letters: tuple[DeadLetter, ...] = ()
    agency_id: str | None = None
    calendar_id: str | None = None


def broker_time(seconds: float) -> datetime:
    """Return a record's timestamp; producers may set it, and one that counts microseconds names no year there is."""
    return datetime.fromtimestamp(min(max(seconds, _EARLIEST), _LATEST), UTC)


def read(source: Source) -> Reading:
    """Return the facts in a message, and the letters for what cannot be read."""
    agency_id, calendar_id = None, None
    try:
        found = opened(source.headers, source.value)
        message = _validated(_READERS[source.name], found.message, "bad_envelope", found.place)
        agency_id, calendar_id = message.agency_id, getattr(message, "calendar_id", None)
        if isinstance(message, ScheduleHeader):
            return _changes(source, message, found)
        return _facts(source, message, found.clock)
    except BadMessage as bad:
        return Reading((), (), (_letter(source, source.value, bad),), agency_id, calendar_id)


def _changes(source: Source, header: ScheduleHeader, found: Opened) -> Reading:
    good: list[Any] = []
    bad: dict[int, str] = {}
    place = f"{found.place}.changes" if found.place else "changes"
    for index, change in enumerate(header.changes):
        try:
            good.append(_validated(_CHANGE, change, "bad_change", f"{place}.{index}"))
        except BadMessage as wrong:
            bad[index] = str(wrong)  # an exception would keep all that led to it in memory
    letters = tuple(_letters(source, bad, found.within)) if bad else ()
    about = (header.agency_id, header.calendar_id)
    if not good:
        return Reading((), (), letters, *about)
    changes = Changes(changes=tuple(good), cause=_cause(source, header))
    fact = ShiftsChanged(agency_id=header.agency_id, calendar_id=header.calendar_id, messages=(changes,))
    return Reading((fact,), (), letters, *about)


def _letters(source: Source, bad: dict[int, str], within: Sequence[str]) -> Iterator[DeadLetter]:
    """Put each bad change alone in a copy of its envelope; all in one copy where the copies would be too many."""
    pieces = cut(source.value or b"", within)
    if (
        len(bad) <= MOST_LETTERS
        and len(bad) * (pieces.envelope + _size(carried(source.headers))) <= MOST_COPIED
    ):
        for index, error in bad.items():
            yield _letter(source, pieces.copy([index]), BadMessage("bad_change", error))
        return
    first = next(iter(bad.values()))
    error = f"{len(bad):,} bad changes, too many for a letter each. The first: {first}"
    yield _letter(source, pieces.copy(bad), BadMessage("bad_change", error))


def _facts(source: Source, message: Envelope, clock: str) -> Reading:
    cause = _cause(source, message)
    match message:
        case CalendarPublished() | CalendarUnpublished():
            return Reading(
                calendar_facts=(
                    PublicationChanged(
                        agency_id=message.agency_id,
                        calendar_id=message.calendar_id,
                        version=message.version,
                        standing="published" if isinstance(message, CalendarPublished) else message.reason,
                        published_from=message.published_from,
                        published_through=message.published_through,
                        cause=cause,
                    ),
                ),
                agency_id=message.agency_id,
                calendar_id=message.calendar_id,
            )
        case UserDeactivated() | Connect() | Disconnect() | Resync():
            if message.occurred_at > source.at + AHEAD:
                raise BadMessage(
                    "from_the_future",
                    f"{clock}: expected a time at most five minutes after the broker's timestamp,"
                    f" {source.at.isoformat()}; came {message.occurred_at.isoformat()}.",
                )
            return Reading(user_facts=(_user_fact(message, cause),), agency_id=message.agency_id)
        case _:
            raise TypeError(f"no arrow for {type(message).__name__}")


def _user_fact(message: UserDeactivated | Connect | Disconnect | Resync, cause: Cause) -> UserFact:
    who: dict[str, Any] = {"agency_id": message.agency_id, "user_id": message.user_id, "cause": cause}
    match message:
        case UserDeactivated():
            return Deactivated(**who)
        case Connect():
            return Connected(**who)
        case Disconnect():
            return Disconnected(**who, purge=message.purge, reason=message.reason)
        case Resync():
            return ResyncAsked(**who)


def _cause(source: Source, message: Envelope) -> Cause:
    return Cause(
        topic=source.topic,
        partition=source.partition,
        offset=source.offset,
        event_id=message.event_id,
        occurred_at=message.occurred_at,
        at=source.at,
    )


def _letter(source: Source, value: bytes | None, bad: BadMessage) -> DeadLetter:
    error, headers = str(bad), carried(source.headers)
    size = len(value or b"") + _size(headers)
    if size > LONGEST_LETTER:
        error += f" Its {size:,} bytes are too many for a letter; they stand where it came from."
        value, headers = None, ()
    return DeadLetter(
        key=source.key,
        value=value,
        reason=bad.reason,
        error=error,
        source_topic=source.topic,
        source_partition=source.partition,
        source_offset=source.offset,
        carried=headers,
    )


def _size(headers: Sequence[tuple[str, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def _validated(reader: TypeAdapter[Any], raw: Any, reason: Reason, place: str = "") -> Any:
    try:
        return reader.validate_python(raw)
    except ValidationError as wrong:
        raise BadMessage(reason, describe(wrong.errors(include_url=False), place)) from None
