"""Plain messages put into CloudEvents, as the binding says, without any code of the product."""

from __future__ import annotations

import json
from typing import Any

Headers = tuple[tuple[str, bytes | None], ...]

HEADER: Headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)

ATTRIBUTES = {"specversion": "1.0", "source": "/scheduler/metro", "type": "org.example.schedule.changed"}


def attributes(message: dict[str, Any]) -> dict[str, Any]:
    """The attributes that belong to a message."""
    return ATTRIBUTES | {"id": message["event_id"], "time": message["occurred_at"]}


def data(message: dict[str, Any]) -> dict[str, Any]:
    """The rest of it."""
    return {name: value for name, value in message.items() if name not in {"event_id", "occurred_at"}}


def structured(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One JSON object; a field of `...` is left out."""
    event = attributes(message) | {"data": data(message)} | fields
    return {name: value for name, value in event.items() if value is not ...}


def binary(message: dict[str, Any], **fields: Any) -> Headers:
    """The headers around the data; a field of `...` is left out."""
    event = attributes(message) | fields
    said = {f"ce_{name}": str(value).encode() for name, value in event.items() if value is not ...}
    return (("content-type", b"application/json"), *said.items())


def texts(headers: Headers) -> dict[str, str]:
    """Headers as a line of a file has them."""
    return {name: value.decode() for name, value in headers if value is not None}


def raw(value: Any) -> bytes:
    """The bytes of a value."""
    return json.dumps(value).encode()
