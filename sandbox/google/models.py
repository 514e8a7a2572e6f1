"""What the stand-in remembers: accounts, calendars, events, and the switches of its behaviour. Shapes only.

In: nothing. Out: mutable records, changed by `directory.py` and `calendars.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.google.errors import Json

Burnt = Literal["gone", "forbidden"]


@dataclass(slots=True)
class Account:
    """One Google account; its own calendar carries its address as id."""

    email: str
    strip_properties: bool = False
    granted_scopes: frozenset[str] | None = None
    """What the person ticks on the consent page; None is everything that is asked for."""


@dataclass(slots=True)
class Stored:
    """One event as it stands."""

    resource: Json
    start: float
    end: float
    ordinal: int
    """Place in listings; never changes."""
    changed: int
    """Number of the change that made this version; orders incremental syncs."""
    updated: float

    @property
    def cancelled(self) -> bool:
        """Whether it is deleted."""
        return bool(self.resource["status"] == "cancelled")


@dataclass(slots=True)
class Calendar:
    """One calendar with everything that was ever on it."""

    id: str
    owner: str
    summary: str
    time_zone: str = "UTC"
    app_created: bool = False
    shared_with: set[str] = field(default_factory=set)
    events: dict[str, Stored] = field(default_factory=dict)
    burnt: dict[str, Burnt] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    """iCalUIDs that clients chose; they stay taken after the deletion."""


@dataclass(slots=True)
class Switches:
    """Behaviour that Google does not document, or shows only at times."""

    forbid_blind_revival: bool = False
    """An update of a cancelled event without If-Match and without its `sequence` is 403."""
    bare_cancelled: bool = False
    """Cancelled events are answered with the guaranteed fields only."""
    page_cap: int | None = None
    """No page of a listing is longer, whatever maxResults says."""
    empty_pages: bool = False
    """Every other page of a listing is empty, but has a nextPageToken."""
