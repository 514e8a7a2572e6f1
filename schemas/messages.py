"""What upstream services send: the five input topics.

Comes in: JSON from anybody. Goes out: messages that every later room may trust. How a bad one is told to a
person stands in `planning.intake`.

All times are aware; ids, versions and lengths are bounded here and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Day, Id, Instant, Shape, Version, ZoneName

#: Any constraint makes pydantic refuse half of a surrogate pair, which no UTF-8 can carry on.
WholeText = Annotated[str, StringConstraints(min_length=0)]
ShortText = Annotated[str, StringConstraints(max_length=4_096)]
LongText = Annotated[str, StringConstraints(max_length=32_768)]
Kind = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _whole(value: Any) -> Any:
    """Refuse ``true`` and ``1.0``, which Python takes for 1."""
    if type(value) is not int:
        raise PydanticCustomError("whole_one", "Input should be 1")
    return value


def _ours(value: Any) -> Any:
    """Read a reason of our own; any other is a field that we do not know, and ignored."""
    return value if value == "calendar_moved" else None


class Envelope(Shape):
    """What every input message has."""

    event_id: WholeText
    occurred_at: Instant
    agency_id: Id
    schema_version: Annotated[Literal[1], BeforeValidator(_whole)] = 1


class Shift(Shape):
    """One shift as upstream knows it; `user_id` absent: an open shift."""

    shift_id: Id
    version: Version
    user_id: Id | None = None
    kind: Kind = "shift"
    title: ShortText
    start: Instant | Day
    end: Instant | Day
    time_zone: ZoneName | None = None
    location: ShortText | None = None
    notes: LongText | None = None

    @property
    def all_day(self) -> bool:
        """Whether `start` and `end` are days; the end day is not part of the shift."""
        return not hasattr(self.start, "hour")

    @model_validator(mode="after")
    def _one_kind_of_time(self) -> Self:
        if self.all_day != (not hasattr(self.end, "hour")):
            raise PydanticCustomError(
                "mixed_times", "Input should have start and end both as times with an offset, or both as days"
            )
        if not self.all_day and self.time_zone is None:
            raise PydanticCustomError(
                "zone_missing", "Input should have a time_zone, since the shift has times"
            )
        if self.end <= self.start:
            raise PydanticCustomError("end_before_start", "Input should have an end after its start")
        return self


class Upsert(Shape):
    """The shift is now like this."""

    op: Literal["upsert"]
    shift: Shift

    @property
    def shift_id(self) -> str:
        """The shift that is meant, for either kind of change."""
        return self.shift.shift_id

    @property
    def version(self) -> int:
        """The shift's version, for either kind of change."""
        return self.shift.version


class Delete(Shape):
    """The shift is gone, as of this version."""

    op: Literal["delete"]
    shift_id: Id
    version: Version


ShiftChange = Annotated[Upsert | Delete, Field(discriminator="op")]


class ScheduleHeader(Envelope):
    """The envelope of `schedule-changed`, read before its changes so that one bad change stays alone."""

    calendar_id: Id
    changes: list[Any]


class ScheduleChanged(Envelope):
    """Shifts created, edited, re-assigned or deleted in one calendar; may carry thousands."""

    calendar_id: Id
    changes: tuple[ShiftChange, ...]


class CalendarPublished(Envelope):
    """The calendar is published from `published_from` (or ever) through `published_through`, both included."""

    calendar_id: Id
    version: Version
    published_through: Day
    published_from: Day | None = None


class CalendarUnpublished(Envelope):
    """The calendar is un-published, or rolled back to end at `published_through` (absent: to nothing)."""

    calendar_id: Id
    version: Version
    reason: Literal["unpublished", "rolled_back"]
    published_through: Day | None = None
    published_from: Day | None = None

    @model_validator(mode="after")
    def _only_a_roll_back_keeps_days(self) -> Self:
        if self.published_through is not None and self.reason != "rolled_back":
            raise PydanticCustomError(
                "through_without_roll_back",
                "Input should have published_through only with reason rolled_back",
            )
        if self.published_from is not None and self.published_through is None:
            raise PydanticCustomError(
                "from_without_through", "Input should have published_from only with published_through"
            )
        return self


class UserDeactivated(Envelope):
    """The user left the agency."""

    user_id: Id


class Connect(Envelope):
    """The user has (again) granted access to a Google calendar; the token is in the vault."""

    user_id: Id
    command: Literal["connect"]


class Disconnect(Envelope):
    """Stop syncing. `reason` is ours: why the product itself ended the connection."""

    user_id: Id
    command: Literal["disconnect"]
    purge: bool = False
    reason: Annotated[Literal["calendar_moved"] | None, BeforeValidator(_ours)] = None


class Resync(Envelope):
    """Look at Google and repair every difference."""

    user_id: Id
    command: Literal["resync"]


SyncCommand = Annotated[Connect | Disconnect | Resync, Field(discriminator="command")]

InputMessage = (
    ScheduleChanged
    | CalendarPublished
    | CalendarUnpublished
    | UserDeactivated
    | Connect
    | Disconnect
    | Resync
)
