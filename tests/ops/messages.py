"""Messages for files and topics."""

from __future__ import annotations

from typing import Any

AGENCY = "metro-ems"


def upsert(
    shift: str = "48213", version: int = 1, user: str | None = "u-17", **fields: Any
) -> dict[str, Any]:
    return {
        "op": "upsert",
        "shift": {
            "shift_id": shift,
            "version": version,
            "user_id": user,
            "title": "Medic 12 Day",
            "start": "2026-12-02T07:00:00-05:00",
            "end": "2026-12-02T19:00:00-05:00",
            "time_zone": "America/New_York",
            **fields,
        },
    }


def delete(shift: str = "48213", version: int = 2) -> dict[str, Any]:
    return {"op": "delete", "shift_id": shift, "version": version}


def schedule(*changes: dict[str, Any], calendar: str = "ops-2026-12", agency: str = AGENCY) -> dict[str, Any]:
    value = envelope(agency) | {"calendar_id": calendar, "changes": list(changes)}
    return {"topic": "schedule-changed", "value": value}


def published(calendar: str = "ops-2026-12", version: int = 1) -> dict[str, Any]:
    value = envelope() | {"calendar_id": calendar, "version": version, "published_through": "2026-12-31"}
    return {"topic": "calendar-published", "value": value}


def command(user: str = "u-17", name: str = "resync", at: str = "2026-11-01T08:00:00Z") -> dict[str, Any]:
    return {
        "topic": "sync-commands",
        "value": envelope() | {"user_id": user, "command": name, "occurred_at": at},
    }


def envelope(agency: str = AGENCY) -> dict[str, Any]:
    return {"event_id": "e1", "occurred_at": "2026-11-01T08:00:00Z", "agency_id": agency}


def grant(user: str = "u-17", **fields: Any) -> dict[str, Any]:
    return {
        "agency_id": AGENCY,
        "user_id": user,
        "google_account": f"{user}@example.com",
        "refresh_token": f"token-of-{user}",
        "scopes": ["https://www.googleapis.com/auth/calendar.events"],
        **fields,
    }
