"""The `CalendarPort` of a shadow: no network, no calendar, no memory; every write succeeds.

Comes in: calls, like `client`. Goes out: the answers that Google gives to a write that it takes. Not here: what stands at
Google. A shadow looks at its own rows, reads no event and gives no token back; whoever asks for that here has a bug.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import NoReturn

from pydantic import SecretStr

from gcal.memory_event import merged
from gcal.port import Grant, Page
from schemas.answers import Answer, Done, Held
from schemas.mutations import Call, EventBody, Get, Insert, Patch, Remove


class ShadowCalendars:
    """Answers writes, and nothing else."""

    async def call(self, grant: Grant, google_calendar: str, call: Call) -> Answer:
        """Answer a write as if it had been made."""
        del grant, google_calendar
        match call:
            case Insert() | Patch():
                return Held(event=_written(call.event_id, call.body))
            case Remove():
                return Done()
            case Get():
                return _never("reads an event")

    async def list_page(
        self,
        grant: Grant,
        google_calendar: str,
        agency_id: str,
        ended_after: datetime,
        page_token: str | None,
    ) -> Page:
        """Refuse: a shadow looks at its own rows."""
        del grant, google_calendar, agency_id, ended_after, page_token
        return _never("lists a calendar")

    async def revoke(self, refresh_token: SecretStr) -> None:
        """Refuse: a shadow has no token to give back."""
        del refresh_token
        _never("revokes a token")

    def forget(self, agency_id: str, user_id: str) -> None:
        """Nothing is remembered here of anybody's access."""

    async def close(self) -> None:
        """Close nothing."""


def _written(event_id: str, body: EventBody) -> EventBody:
    """Return the event as it was sent, under a new etag; what a patch gives back or empties is not in it."""
    answered = {
        "id": event_id,
        "status": "confirmed",
        "etag": f'"shadow-{secrets.token_hex(8)}"',
        "updated": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return merged({}, body) | answered


def _never(does: str) -> NoReturn:
    raise TypeError(f"a shadow never {does}")
