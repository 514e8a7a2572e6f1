"""A message of each input topic, as documents show it.

Comes in: nothing. Goes out: plain messages, and the same as CloudEvents. Tests read each as a worker would.
"""

from __future__ import annotations

from typing import Any

_ENVELOPE = {"event_id": "e1", "occurred_at": "2026-11-23T08:00:00Z", "agency_id": "metro-ems"}
_CALENDAR = _ENVELOPE | {"calendar_id": "ops-2026-12"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "schedule-changed": _CALENDAR
    | {
        "changes": [
            {
                "op": "upsert",
                "shift": {
                    "shift_id": "48213",
                    "version": 7,
                    "user_id": "u-17",
                    "kind": "shift",
                    "title": "Medic 12 Day",
                    "start": "2026-12-02T07:00:00-05:00",
                    "end": "2026-12-02T19:00:00-05:00",
                    "time_zone": "America/New_York",
                    "location": "Station 4",
                    "notes": "Bring the new radio",
                },
            },
            {"op": "delete", "shift_id": "48214", "version": 3},
        ]
    },
    "calendar-published": _CALENDAR
    | {"version": 4, "published_through": "2026-12-31", "published_from": "2026-12-01"},
    "calendar-unpublished": _CALENDAR
    | {
        "version": 5,
        "reason": "rolled_back",
        "published_through": "2026-12-14",
        "published_from": "2026-12-01",
    },
    "user-deactivated": _ENVELOPE | {"user_id": "u-17"},
    "sync-commands": _ENVELOPE | {"user_id": "u-17", "command": "resync"},
}

_ATTRIBUTES = {"specversion": "1.0", "source": "/scheduler"}


def _attributes(topic: str) -> dict[str, str]:
    message = EXAMPLES[topic]
    named = {"type": f"org.example.{topic}", "id": message["event_id"], "time": message["occurred_at"]}
    return _ATTRIBUTES | named


def data(topic: str) -> dict[str, Any]:
    """What is left of a message beside the attributes of a CloudEvent."""
    return {name: value for name, value in EXAMPLES[topic].items() if name not in {"event_id", "occurred_at"}}


def structured(topic: str) -> dict[str, Any]:
    """The message as a structured CloudEvent."""
    return _attributes(topic) | {"datacontenttype": "application/json", "data": data(topic)}


def headers(topic: str) -> dict[str, str]:
    """The headers that make a binary CloudEvent of the message's data."""
    attributes = {f"ce_{name}": value for name, value in _attributes(topic).items()}
    return attributes | {"content-type": "application/json"}
