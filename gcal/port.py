"""The door of this room: what the lanes may ask of Google, for one user at a time.

Comes in: a user's `Grant`, a Google calendar, one call or one page of a listing. Goes out: an `Answer`, a `Page`, or an
exception of `schemas.errors`. Not here: how (`client` over HTTP, `memory` for tests), when, and how often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from schemas.answers import Answer
from schemas.mutations import Call, EventBody

#: The least scope with which every call of ours is allowed, on any calendar that the user may write.
SCOPE_EVENTS = "https://www.googleapis.com/auth/calendar.events"
#: The least scope for a calendar that Shiftcal made itself.
SCOPE_APP_CREATED = "https://www.googleapis.com/auth/calendar.app.created"
#: Any one of these lets us insert, get, list, patch and delete events.
EVENT_SCOPES = frozenset(
    {
        "https://www.googleapis.com/auth/calendar",
        SCOPE_EVENTS,
        "https://www.googleapis.com/auth/calendar.events.owned",
        SCOPE_APP_CREATED,
    }
)


_SCOPES = "https://www.googleapis.com/auth/"
_IDENTITY = frozenset({"openid", "email", "profile"})


def may_write(scopes: Iterable[str]) -> bool:
    """Say whether Google would let us write events under these scopes.

    Where none is given, or one is spelled as Google never does, Google itself is asked.
    """
    given = frozenset(scopes)
    spelled = all(scope.startswith(_SCOPES) or scope in _IDENTITY for scope in given)
    return not given or not spelled or not given.isdisjoint(EVENT_SCOPES)


@dataclass(frozen=True, slots=True)
class Grant:
    """One user's consent. `connected_at` tells it from an earlier consent of the same user."""

    agency_id: str
    user_id: str
    refresh_token: SecretStr
    connected_at: datetime
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing; the end only where `next_page_token` is None. A page may be short, or empty."""

    events: tuple[EventBody, ...]
    next_page_token: str | None


class CalendarPort(Protocol):
    """Google Calendar, as the lanes see it. Nothing is tried again in here but one expired access token."""

    async def call(self, grant: Grant, google_calendar: str, call: Call) -> Answer:
        """Make one call about one event; `google_calendar` is `primary` or an id."""
        ...

    async def list_page(
        self,
        grant: Grant,
        google_calendar: str,
        agency_id: str,
        ended_after: datetime,
        page_token: str | None,
    ) -> Page:
        """Return standing events that name this agency and end after that instant."""
        ...

    async def revoke(self, refresh_token: SecretStr) -> None:
        """Make Google forget the consent; one that it does not know any more is forgotten already."""
        ...

    def forget(self, agency_id: str, user_id: str) -> None:
        """Drop what is remembered of a user's access: the consent ended, or does not reach far enough."""
        ...

    async def close(self) -> None:
        """Close every connection; nothing may be asked afterwards."""
        ...
