"""What the tables hold, one shape a table.

Comes in: nothing. Goes out: `PublicationRow`, `AssignmentRow`, `RosterRow`, `UserRow`. Rows are values: a fold makes
a new one.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic.dataclasses import dataclass

from schemas.base import SMALL, Moment, Shape
from schemas.cause import Cause
from schemas.facts import Problem, Published, Standing, Wish, Withdrawal
from schemas.outputs import SyncStatus
from schemas.preferences import Preferences


class Days(Shape):
    """Days that a message published, both included; `since` None: from ever on."""

    since: date | None = None
    through: date


class PublicationRow(Shape):
    """``publications[agency/calendar]``: the winning publication message. `version` None: none yet.

    `ever` are the days that any message ever published, of whatever version. Where the winning message takes shifts off,
    `taken_off` says how many, `released` whether an operator let all of it go. `releases` are the newest that were folded.
    """

    version: int | None = None
    standing: Standing = "never"
    published_from: date | None = None
    published_through: date | None = None
    cause: Cause | None = None
    ever: tuple[Days, ...] = ()
    taken_off: int = 0
    released: bool = False
    releases: tuple[str, ...] = ()


class AssignmentRow(Shape):
    """``assignments[agency/calendar/shift]``: the winning change.

    `digest` of its content is empty for a tombstone. `holders`: every user that the shift was assigned to, newest
    first, so that a change delivered again can tell each of them.
    """

    version: int
    digest: str
    user_id: str | None = None
    holders: tuple[str, ...] = ()


class RosterRow(Shape):
    """``rosters[agency/calendar/user]``: that user's shifts by id. An empty row makes a member all the same."""

    shifts: dict[str, Wish] = {}


class CalendarWish(Shape):
    """What one calendar wants of the user, as of `revision` (an offset of `calendar-facts`).

    `share` is the part of the user's future events that the withdrawal takes off, as it was when it came; `let_go`: an
    operator has released this user from it. `published` is the message by which the calendar stands as it does.
    """

    revision: int
    standing: Standing
    wishes: dict[str, Wish] = {}
    withdrawal: Withdrawal | None = None
    published: Published | None = None
    share: float = 0.0
    let_go: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class Applied:
    """One event as Google is known to hold it.

    `fingerprint`: what we wrote, or what stands there where somebody altered it. `echo`: how Google spelled what we
    wrote. `seen`: a listing has shown it, so its absence from a later listing means that it is gone.
    """

    calendar_id: str
    shift_id: str
    generation: int = 0
    etag: str
    fingerprint: str
    echo: str
    version: int
    start: Moment
    end: Moment
    seen: bool = False


class Refusal(Shape):
    """What Google refused for good; not tried again until the wish changes or somebody asks for a resync."""

    fingerprint: str
    error: str
    end: Moment


class Burnt(Shape):
    """The newest generation of a shift's id; `end` says how long it is worth remembering."""

    generation: int
    end: Moment


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class Drift:
    """What a person did to the event of a shift, as a look found it; `version` is that of the wish then."""

    kind: Literal["deleted", "altered"]
    version: int
    end: Moment


class Open(Shape):
    """Why a difference is open: the newest message that changed the wish, and the version that it set."""

    cause: Cause
    version: int


class Verify(Shape):
    """A look at Google that is due. `ticket` names it; `cause` is the command that asked, None for a daily one."""

    ticket: str
    cause: Cause | None = None


class Connection(Shape):
    """Where the user stands on the timeline of connects, disconnects and deactivations.

    `occurred_at` is that of the winning message, `connected_at` that of the newest connect. `removal`: what has to be
    taken off before the token is erased. `released`: the token is erased. `default_cause` is given to differences that
    a verify found.
    """

    state: Literal["none", "connected", "disconnected", "deactivated"] = "none"
    occurred_at: Moment | None = None
    connected_at: Moment | None = None
    purge: bool = False
    reason: str | None = None
    released: bool = True
    verify: Verify | None = None
    verified_at: Moment | None = None
    default_cause: Cause | None = None
    resync_at: Moment | None = None
    resync_refused_at: Moment | None = None
    problem: Problem | None = None
    target: str | None = None
    strips_properties: bool = False


class UserRow(Shape):
    """``users[agency/user]``: desired per calendar, applied per event id, and the connection.

    `burnt`, `refused`, `drift` and `open` are keyed by ``calendar/shift``; `refused` also by event id, for removals. `doubts` are
    such keys, too: a write of them may have been made that nobody told of, and none is planned any more. `let_go`: an
    operator has said that events may be removed though no shift of this user was ever received. `releases` are the
    newest that were folded. `preferences` are the user's newest choices, of `preferred_at`; which of them count is the
    agency's to say, whenever something is planned.
    """

    agency_id: str
    user_id: str
    calendars: dict[str, CalendarWish] = {}
    applied: dict[str, Applied] = {}
    burnt: dict[str, Burnt] = {}
    refused: dict[str, Refusal] = {}
    drift: dict[str, Drift] = {}
    open: dict[str, Open] = {}
    doubts: tuple[str, ...] = ()
    let_go: bool = False
    releases: tuple[str, ...] = ()
    connection: Connection = Connection()
    preferences: Preferences = Preferences()
    preferred_at: Moment | None = None
    last_synced_at: Moment | None = None
    status: SyncStatus | None = None

    def without_shifts(self) -> UserRow:
        """Return who the user is and how connected, for whoever waits for long: a row of many shifts takes some 100 kB."""
        shifts = dict[str, object](calendars={}, applied={}, burnt={}, refused={}, drift={}, open={})
        return self.model_copy(update=shifts)
