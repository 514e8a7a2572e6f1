"""What pages need, as one value.

Comes in: an opened vault, settings, policies, a way to Kafka and to Google. Goes out: `Parts`, which every handler has. Not
here: who makes the parts (`portal.serve`, or a test).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from gcal.client import GoogleCalendar
from gcal.consent import Consents
from portal.limits import Limit
from portal.links import HostKey
from portal.projecting.freshness import Bell, Freshness
from portal.wording import Texts
from schemas.policy import Policies
from schemas.preferences import Preferences
from streams.settings import Settings
from vault import Vault


def utc_now() -> datetime:
    """The time, for real."""
    return datetime.now(UTC)


class NotPassedOn(Exception):
    """Kafka did not take a command in time."""


class Commands(Protocol):
    """How commands reach `sync-commands`."""

    async def send(self, agency_id: str, user_id: str, command: Mapping[str, object]) -> None:
        """Send one command of now; `NotPassedOn` where Kafka does not take it in time."""
        ...

    async def prefer(self, agency_id: str, user_id: str, preferences: Preferences) -> None:
        """Tell what a user has chosen by now, and keep it; `NotPassedOn` as above."""
        ...

    async def announce(self) -> None:
        """Send what the vault's outbox holds. Where that fails, a worker does it within seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Public:
    """Where browsers find the portal: `url` without a slash at its end."""

    url: str

    @property
    def https(self) -> bool:
        """Whether the way from the browser is encrypted."""
        return self.url.startswith("https://")

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a browser names them."""
        parts = urlsplit(self.url)
        port = "" if parts.port in {None, 443 if self.https else 80} else f":{parts.port}"
        host = parts.hostname or ""
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"

    @property
    def path(self) -> str:
        """What stands before each of our paths; nothing, where the portal has a host of its own."""
        return urlsplit(self.url).path


@dataclass(frozen=True, slots=True)
class Google:
    """The two ways to Google: the consent page with its codes, and calendars."""

    consents: Consents
    calendar: GoogleCalendar


@dataclass(frozen=True, slots=True)
class Limits:
    """How often somebody may try: links by address, forms by session."""

    entries: Limit
    forms: Limit = field(default_factory=lambda: Limit(30))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a page may use."""

    vault: Vault
    settings: Settings
    policies: Policies
    commands: Commands
    google: Google
    key: HostKey
    public: Public
    limits: Limits
    texts: Texts = field(default_factory=Texts)
    bell: Bell = field(default_factory=Bell)
    freshness: Freshness = field(default_factory=Freshness)
    clock: Callable[[], datetime] = utc_now
    #: Set when the process is to end: streams of events let go.
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _connecting: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    def connecting(self, agency_id: str, user_id: str) -> asyncio.Lock:
        """Return what one connect of a user holds at a time: a second tab finds the calendar that the first one made."""
        return self._connecting.setdefault((agency_id, user_id), asyncio.Lock())
