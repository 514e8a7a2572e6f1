"""Open a CloudEvent 1.0: the plain message that is in it.

Comes in: a record's headers and value. Goes out: `Opened`, the message as if it had come plain, and where it stood; or a
`BadMessage`. Not here: what a message must hold (`planning.intake`).

=============================  ===========================================================================================
the record                     is
=============================  ===========================================================================================
content-type                   a structured event: attributes and data in the value. Only JSON is read, and one event a
application/cloudevents...     record, since the binding has no batches
a header ce_specversion        a binary event: attributes in headers that begin with `ce_`, the value is its data
neither, and the value has     a plain message, whatever else stands in it
an event_id
neither; the value has a       a structured event whose sender set no header
specversion
neither; a header ce_id,       a binary event without its specversion: refused
ce_source or ce_type
anything else                  a plain message
=============================  ===========================================================================================

`id` is the message's event_id, `time` its occurred_at, `data` all the rest. What stands in both must be the same; without
`time`, data's occurred_at counts. Rules of the binding:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from planning.describe import came, describe
from planning.parsing import parse
from schemas.base import Instant
from schemas.cloudevents import CloudEvent
from schemas.errors import BadMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    Headers = Sequence[tuple[str, bytes | None]]

CONTENT_TYPE = "content-type"
STRUCTURED = "application/cloudevents+json"
_ANY, _PREFIX = "application/cloudevents", "ce_"
_BINARY = {
    name: CONTENT_TYPE if name == "datacontenttype" else _PREFIX + name for name in CloudEvent.model_fields
}
_WITHOUT_VERSION = {"ce_id", "ce_source", "ce_type"}

_INSTANT: TypeAdapter[Any] = TypeAdapter(Instant)


class Opened(NamedTuple):
    """A plain message. `within` leads to it in the value, `clock` is what its occurred_at is called there."""

    message: dict[str, Any]
    within: tuple[str, ...] = ()
    clock: str = "occurred_at"

    @property
    def place(self) -> str:
        """What its fields' names begin with, for a person."""
        return ".".join(self.within)


def opened(headers: Headers, value: bytes | None) -> Opened:
    """Return the message in a record, or raise `BadMessage`."""
    ours = _ours(headers) if headers else {}
    if ours and value is not None:
        media = _media(ours)
        if media.startswith(_ANY):
            return _structured(parse(_one_of_json(media, value)))
        if "ce_specversion" in ours:
            return _binary(ours, value)
    message = parse(value)
    if "event_id" in message:
        return Opened(message)
    if "specversion" in message:
        return _structured(message)
    return _binary(ours, value) if ours.keys() & _WITHOUT_VERSION else Opened(message)


def carried(headers: Headers) -> tuple[tuple[str, bytes], ...]:
    """Return the headers without which a CloudEvent could not be read again; none of a plain record."""
    ours = _ours(headers) if headers else {}
    if "ce_specversion" in ours or ours.keys() & _WITHOUT_VERSION or _media(ours).startswith(_ANY):
        return tuple(ours.items())
    return ()


def _ours(headers: Headers) -> dict[str, bytes]:
    """Return the headers that CloudEvents use; of several with one name the last counts, as in JSON."""
    return {
        name: value
        for name, value in headers
        if value is not None and (name == CONTENT_TYPE or name.startswith(_PREFIX))
    }


def _media(ours: Mapping[str, bytes]) -> str:
    return ours.get(CONTENT_TYPE, b"").decode(errors="replace").partition(";")[0].strip().lower()


def _one_of_json(media: str, value: bytes) -> bytes:
    if media.startswith(f"{_ANY}-batch"):
        raise BadMessage(
            "bad_cloudevent",
            f"{CONTENT_TYPE}: expected {STRUCTURED}, one event a record; came a batch. Send each event in a record of its own.",
        )
    if media != STRUCTURED:
        raise BadMessage(
            "bad_cloudevent", f"{CONTENT_TYPE}: expected {STRUCTURED}; came another format of events."
        )
    return value


def _structured(raw: dict[str, Any]) -> Opened:
    event = _attributes(raw, {})
    if raw.get("data_base64") is not None:
        raise BadMessage(
            "bad_cloudevent", "data_base64: expected nothing, the message as JSON in data; came bytes."
        )
    data = raw.get("data")
    if not isinstance(data, dict):
        found = "nothing" if data is None else came(data, private=True)
        raise BadMessage("bad_cloudevent", f"data: expected the message, a JSON object; came {found}.")
    return Opened(_joined(event, data, {}, "data."), ("data",), "time" if event.time else "data.occurred_at")


def _binary(ours: Mapping[str, bytes], value: bytes | None) -> Opened:
    """Attributes first: data of another type than JSON is better told by its type than by its first byte."""
    event = _attributes(
        {name: _text(ours, header) for name, header in _BINARY.items() if header in ours}, _BINARY
    )
    message = _joined(event, parse(value), _BINARY, "")
    return Opened(message, (), "ce_time" if event.time else "occurred_at")


def _text(ours: Mapping[str, bytes], header: str) -> str:
    try:
        return ours[header].decode()
    except UnicodeDecodeError:
        raise BadMessage("bad_cloudevent", f"{header}: expected UTF-8; came other bytes.") from None


def _attributes(raw: dict[str, Any], names: Mapping[str, str]) -> CloudEvent:
    try:
        return CloudEvent.model_validate(raw)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
        for error in errors:
            error["loc"] = tuple(names.get(str(part), part) for part in error["loc"])
        raise BadMessage("bad_cloudevent", describe(errors)) from None


def _joined(event: CloudEvent, data: dict[str, Any], names: Mapping[str, str], place: str) -> dict[str, Any]:
    """Put the attributes into the message, unless it says otherwise itself."""
    identity, clock = names.get("id", "id"), names.get("time", "time")
    if data.get("event_id", event.id) != event.id:
        raise BadMessage(
            "bad_cloudevent", f"{place}event_id: expected the same as {identity}, or nothing; came another."
        )
    if event.time is None and "occurred_at" not in data:
        raise BadMessage(
            "bad_cloudevent",
            f"{clock}: expected a time with its offset such as 2026-12-02T07:00:00-05:00, here or as {place}occurred_at;"
            " came nothing.",
        )
    if event.time is None:
        return data | {"event_id": event.id}
    if "occurred_at" in data and not _same(data["occurred_at"], event.time):
        raise BadMessage(
            "bad_cloudevent",
            f"{place}occurred_at: expected the same moment as {clock}, or nothing; came another.",
        )
    return data | {"event_id": event.id, "occurred_at": event.time}


def _same(text: Any, time: datetime) -> bool:
    try:
        return bool(_INSTANT.validate_python(text) == time)
    except ValidationError:
        return False
