"""What agents tell each other: validated, re-keyed facts on the two internal topics.

Comes in: what intake and the calendars agent decided, and what lanes saw at Google. Goes out: `CalendarFact`
(topic `calendar-facts`, key ``agency/calendar``) and `UserFact` (topic `user-facts`, key ``agency/user``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from schemas.base import SMALL, Moment, MomentOrDay, Shape
from schemas.cause import Cause
from schemas.messages import Delete, Upsert
from schemas.outcomes import Observed, Outcome
from schemas.preferences import Preferences

Change = Annotated[Upsert | Delete, Field(discriminator="op")]


class Changes(Shape):
    """The good changes of one `schedule-changed` message."""

    changes: tuple[Change, ...]
    cause: Cause


class ShiftsChanged(Shape):
    """What `schedule-changed` messages say of one calendar, in their order: one, or several that waited together."""

    fact: Literal["shifts_changed"] = "shifts_changed"
    agency_id: str
    calendar_id: str
    messages: Annotated[tuple[Changes, ...], Field(min_length=1)]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes of all messages."""
        return tuple(change for message in self.messages for change in message.changes)


#: `never`: no message ever said anything. `unpublished` is the only one that policy `keep` freezes.
Standing = Literal["never", "published", "rolled_back", "unpublished"]


class PublicationChanged(Shape):
    """A calendar was published, un-published or rolled back; both days included, absent: unbounded."""

    fact: Literal["publication_changed"] = "publication_changed"
    agency_id: str
    calendar_id: str
    version: int
    standing: Literal["published", "rolled_back", "unpublished"]
    published_from: date | None = None
    published_through: date | None = None
    cause: Cause


class CalendarReleased(Shape):
    """An operator lets the removals of the calendar's un-publish go on that are held now; `release_id` names it once."""

    fact: Literal["calendar_released"] = "calendar_released"
    agency_id: str
    calendar_id: str
    release_id: str


CalendarFact = Annotated[ShiftsChanged | PublicationChanged | CalendarReleased, Field(discriminator="fact")]


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class Wish:
    """One shift as its user should see it, its text cut to what Google takes."""

    version: int
    kind: str
    title: str
    start: MomentOrDay
    end: MomentOrDay
    time_zone: str | None = None
    location: str | None = None
    notes: str | None = None


class Withdrawal(Shape):
    """What an un-publish or a roll-back of this version takes off: so many shifts in all, and these of one user.

    `released`: an operator has said that all of it may go.
    """

    version: int
    in_all: int
    shifts: tuple[str, ...] = ()
    released: bool = False


class Published(Shape):
    """The publication message that stands: its version, and when it occurred."""

    version: int
    at: Moment


class Contribution(Shape):
    """All that one calendar wants of one user, as of one `calendar-facts` record.

    `revision` is that record's offset. `wishes` holds the published shifts of the user by shift id; `touched` the
    versions that the causing message set for shifts that it took away from this user. `cause` is the newest message of
    the record; `causes` names, by shift, those before it that the record holds as well. `withdrawal` is None of a
    calendar that is published, or never was. `published` is told to people: nothing is decided by it.
    """

    fact: Literal["contribution"] = "contribution"
    agency_id: str
    user_id: str
    calendar_id: str
    revision: int
    standing: Standing
    wishes: dict[str, Wish]
    touched: dict[str, int] = {}
    cause: Cause
    causes: dict[str, Cause] = {}
    withdrawal: Withdrawal | None = None
    published: Published | None = None


class Connected(Shape):
    """The user granted access."""

    fact: Literal["connected"] = "connected"
    agency_id: str
    user_id: str
    cause: Cause


class Disconnected(Shape):
    """The user, or the product on their behalf, stopped the sync."""

    fact: Literal["disconnected"] = "disconnected"
    agency_id: str
    user_id: str
    purge: bool = False
    reason: Literal["calendar_moved"] | None = None
    cause: Cause


class Deactivated(Shape):
    """The user left the agency."""

    fact: Literal["deactivated"] = "deactivated"
    agency_id: str
    user_id: str
    cause: Cause


class ResyncAsked(Shape):
    """Somebody wants this user's calendar looked at and repaired."""

    fact: Literal["resync_asked"] = "resync_asked"
    agency_id: str
    user_id: str
    cause: Cause


class CallsAnswered(Shape):
    """What a lane's calls came to. `lane` tells the lane that sent it which calls are folded now."""

    fact: Literal["calls_answered"] = "calls_answered"
    agency_id: str
    user_id: str
    outcomes: tuple[Outcome, ...]


class CalendarSeen(Shape):
    """A verify's look at Google: everything of ours in the window.

    `target` names the Google calendar. `strips_properties`: this account strips ours, so a listing shows nothing and the
    known ids were read one by one. `absent` are ids that were read one by one and are not there. `verify` is the ticket
    of the verify that asked, `window_start` the earliest end that was looked for.
    """

    fact: Literal["calendar_seen"] = "calendar_seen"
    agency_id: str
    user_id: str
    verify: str
    target: str
    at: Moment
    window_start: Moment
    observed: tuple[Observed, ...]
    absent: tuple[str, ...] = ()
    strips_properties: bool = False


class Problem(Shape):
    """Why nothing is written for this user now. `until`: when it passes by itself, if it does."""

    state: Literal["needs_reauthorization", "stopped", "paused"]
    code: str
    message: str
    what_to_do: str
    until: Moment | None = None


class TroubleFound(Shape):
    """A lane cannot go on for this user; `connected_at` is the newest connect it knew (None: a purge without any)."""

    fact: Literal["trouble_found"] = "trouble_found"
    agency_id: str
    user_id: str
    connected_at: Moment | None = None
    problem: Problem


class TokenReleased(Shape):
    """The user's token is erased, for the ending of `ended_at`."""

    fact: Literal["token_released"] = "token_released"
    agency_id: str
    user_id: str
    ended_at: Moment


class UserReleased(Shape):
    """An operator lets whatever of this user is held now go on; `release_id` names it once."""

    fact: Literal["user_released"] = "user_released"
    agency_id: str
    user_id: str
    release_id: str


class PreferencesSet(Shape):
    """The user has chosen how events look, all of it, at `occurred_at`."""

    fact: Literal["preferences_set"] = "preferences_set"
    agency_id: str
    user_id: str
    preferences: Preferences
    occurred_at: Moment


class VerifyDue(Shape):
    """It is time for a look at Google, the daily one or one after a takeover; `ticket` names it."""

    fact: Literal["verify_due"] = "verify_due"
    agency_id: str
    user_id: str
    ticket: str


class Inherited(Shape):
    """What another group's worker knows of Google for this user; `row` is the JSON of its row, in this release's spelling."""

    fact: Literal["inherited"] = "inherited"
    agency_id: str
    user_id: str
    row: str


class Forgotten(Shape):
    """Nothing shall be kept of this person, as of `at`; a turn of the connection that is newer outlives it."""

    fact: Literal["forgotten"] = "forgotten"
    agency_id: str
    user_id: str
    at: Moment


UserFact = Annotated[
    Contribution
    | Connected
    | Disconnected
    | Deactivated
    | ResyncAsked
    | CallsAnswered
    | CalendarSeen
    | TroubleFound
    | TokenReleased
    | UserReleased
    | PreferencesSet
    | VerifyDue
    | Inherited,
    Field(discriminator="fact"),
]

#: What stands on `user-facts`: facts that are folded into a row, and the wish to have no row.
UserRecord = Annotated[UserFact | Forgotten, Field(discriminator="fact")]
