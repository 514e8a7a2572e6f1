"""A Google to test against: the port under test, and what users and Google do behind its back.

Two of them exist, the twin in memory and the client over HTTP on the stand-in; the contract knows neither.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, Protocol

from pydantic import SecretStr

from gcal.client import GoogleCalendar, GoogleSettings
from gcal.memory_port import MemoryCalendars
from gcal.port import CalendarPort, Grant
from sandbox.google import StandIn
from sandbox.google.models import Calendar
from schemas.mutations import EventBody

ACCOUNT = "ann@example.com"
CONNECTED = datetime(2026, 11, 1, tzinfo=UTC)


class World(Protocol):
    """One Google; `calendar` is `primary` or an id, always of Ann's account."""

    @property
    def port(self) -> CalendarPort: ...

    def grant(self, account: str = ACCOUNT) -> Grant: ...
    def add(self, calendar: str, body: EventBody) -> str: ...
    def alter(self, calendar: str, event_id: str, changes: EventBody) -> None: ...
    def delete(self, calendar: str, event_id: str) -> None: ...
    def purge(self, calendar: str, event_id: str) -> None: ...
    def burn(self, calendar: str, event_id: str, how: Literal["gone", "forbidden"]) -> None: ...
    def strip_properties(self) -> None: ...
    def drop(self, calendar: str) -> None: ...
    def page_size(self, size: int) -> None: ...
    def standing(self, calendar: str) -> dict[str, EventBody]: ...


def grant_of(account: str, refresh_token: str) -> Grant:
    """A user named like the account, connected with this token."""
    return Grant("metro-ems", account, SecretStr(refresh_token), CONNECTED)


def client_of(standin: StandIn, timeout_s: float = 10.0) -> GoogleCalendar:
    """The client under test, pointed at the stand-in."""
    return GoogleCalendar(
        GoogleSettings(
            client_id="client",
            client_secret=SecretStr("client-secret"),
            api_url=standin.url,
            token_url=standin.token_url,
            revoke_url=standin.revoke_url,
            timeout_s=timeout_s,
        )
    )


class MemoryWorld:
    """The twin."""

    def __init__(self, port: MemoryCalendars) -> None:
        self.port = port
        self._google = port.google

    def grant(self, account: str = ACCOUNT) -> Grant:
        return grant_of(account, self.port.connect(account).get_secret_value())

    def add(self, calendar: str, body: EventBody) -> str:
        return str(self._google.add(_place(calendar), body)["id"])

    def alter(self, calendar: str, event_id: str, changes: EventBody) -> None:
        self._google.alter(_place(calendar), event_id, changes)

    def delete(self, calendar: str, event_id: str) -> None:
        self._google.delete(_place(calendar), event_id)

    def purge(self, calendar: str, event_id: str) -> None:
        self._google.purge(_place(calendar), event_id)

    def burn(self, calendar: str, event_id: str, how: Literal["gone", "forbidden"]) -> None:
        self._google.burn(_place(calendar), event_id, how)

    def strip_properties(self) -> None:
        self._google.strip_properties(ACCOUNT)

    def drop(self, calendar: str) -> None:
        self._google.drop(_place(calendar))

    def page_size(self, size: int) -> None:
        self._google.page_size = size

    def standing(self, calendar: str) -> dict[str, EventBody]:
        return self._google.standing(_place(calendar))


class HttpWorld:
    """The client, over HTTP, on the stand-in."""

    def __init__(self, standin: StandIn, port: CalendarPort, time_zone: str) -> None:
        self.port = port
        self._standin = standin
        self._state = standin.state
        self._time_zone = time_zone

    def grant(self, account: str = ACCOUNT) -> Grant:
        return grant_of(account, self._standin.connect(account, time_zone=self._time_zone).refresh_token)

    def add(self, calendar: str, body: EventBody) -> str:
        return str(self._state.insert(self._calendar(calendar), body).resource["id"])

    def alter(self, calendar: str, event_id: str, changes: EventBody) -> None:
        self._state.patch(self._calendar(calendar), event_id, changes)

    def delete(self, calendar: str, event_id: str) -> None:
        self._state.delete(self._calendar(calendar), event_id)

    def purge(self, calendar: str, event_id: str) -> None:
        self._state.purge(self._calendar(calendar), event_id)

    def burn(self, calendar: str, event_id: str, how: Literal["gone", "forbidden"]) -> None:
        self._state.burn(self._calendar(calendar), event_id, how)

    def strip_properties(self) -> None:
        self._state.strip_properties(ACCOUNT, strip=True)

    def drop(self, calendar: str) -> None:
        self._state.delete_calendar(ACCOUNT, calendar)

    def page_size(self, size: int) -> None:
        self._state.switches.page_cap = size

    def standing(self, calendar: str) -> dict[str, EventBody]:
        events = self._state.calendar(ACCOUNT, calendar).events
        return {name: stored.resource for name, stored in events.items() if not stored.cancelled}

    def _calendar(self, calendar: str) -> Calendar:
        return self._state.calendar(ACCOUNT, calendar)


def _place(calendar: str) -> str:
    return ACCOUNT if calendar == "primary" else calendar
