"""Read one message of an input topic: into facts, or into dead letters.

Comes in: raw bytes and where they stood. Goes out: keyed facts for the two internal topics, and a `DeadLetter` for each
part that cannot be read. One bad change never takes its neighbours along. The error names the field, what was expected
and, cut short, what came; never a text of somebody's schedule.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from planning.describe import came, describe
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

#: Commands decide by `occurred_at`; one from the future would win over everything until then.
AHEAD = timedelta(minutes=5)

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


class Reading(NamedTuple):
    """What a message came to."""

    calendar_facts: tuple[CalendarFact, ...] = ()
    user_facts: tuple[UserFact, ...] = ()
    letters: tuple[DeadLetter, ...] = ()


def read(source: Source) -> Reading:
    """Return the facts in a message, and the letters for what cannot be read."""
    try:
        raw = _json(source.value)
        message = _validated(_READERS[source.name], raw, "bad_envelope")
        if isinstance(message, ScheduleHeader):
            return _changes(source, message, raw)
        return _facts(source, message)
    except BadMessage as bad:
        return Reading(letters=(_letter(source, source.value, bad),))


def _json(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise BadMessage("null_value", "The value is null; expected a JSON object.")
    try:
        raw = from_json(value)
    except ValueError as wrong:
        raw = _with_half_characters(value)
        if raw is None:
            raise BadMessage("not_json", f"The value is not UTF-8 JSON: {wrong}.") from None
    if not isinstance(raw, dict):
        raise BadMessage("not_json", f"The value is {came(raw, private=True)}; expected a JSON object.")
    return raw


def _with_half_characters(value: bytes) -> Any:
    r"""Read JSON that the strict parser refuses for a ``\ud83d`` alone; None where something else is wrong.

    A sender that cuts a text in the middle of an emoji writes that. The change with such a text is bad, its neighbours
    are not (https://datatracker.ietf.org/doc/html/rfc8259#section-8.2).
    """
    try:
        return json.loads(value.decode())
    except (ValueError, RecursionError):
        return None


def _copy(raw: dict[str, Any], change: Any) -> bytes:
    """Return the message with this change alone, as it came."""
    copy = raw | {"changes": [change]}
    try:
        return json.dumps(copy, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(copy).encode()


def _changes(source: Source, header: ScheduleHeader, raw: dict[str, Any]) -> Reading:
    good: list[Any] = []
    letters: list[DeadLetter] = []
    for index, change in enumerate(header.changes):
        try:
            good.append(_validated(_CHANGE, change, "bad_change", f"changes.{index}"))
        except BadMessage as bad:
            letters.append(_letter(source, _copy(raw, change), bad))
    if not good:
        return Reading(letters=tuple(letters))
    changes = Changes(changes=tuple(good), cause=_cause(source, header))
    fact = ShiftsChanged(agency_id=header.agency_id, calendar_id=header.calendar_id, messages=(changes,))
    return Reading(calendar_facts=(fact,), letters=tuple(letters))


def _facts(source: Source, message: Envelope) -> Reading:
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
                )
            )
        case UserDeactivated() | Connect() | Disconnect() | Resync():
            if message.occurred_at > source.at + AHEAD:
                raise BadMessage(
                    "from_the_future",
                    "occurred_at: expected a time at most five minutes after the broker's timestamp,"
                    f" {source.at.isoformat()}; came {message.occurred_at.isoformat()}.",
                )
            return Reading(user_facts=(_user_fact(message, cause),))
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
    return DeadLetter(
        key=source.key,
        value=value,
        reason=bad.reason,
        error=str(bad),
        source_topic=source.topic,
        source_partition=source.partition,
        source_offset=source.offset,
    )


def _validated(reader: TypeAdapter[Any], raw: Any, reason: str, place: str = "") -> Any:
    try:
        return reader.validate_python(raw)
    except ValidationError as wrong:
        raise BadMessage(reason, describe(wrong.errors(include_url=False), place)) from None
