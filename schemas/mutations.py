"""What is to be written at Google, and the single calls that it takes.

Comes in: decisions of `planning.plan`. Goes out: the closed unions `Mutation` (imperative; what) and `Call` (how).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import InstanceOf
from pydantic.dataclasses import dataclass

from schemas.base import SMALL, Moment, Shape
from schemas.cause import Cause

#: The JSON of a Google Calendar event, https://developers.google.com/workspace/calendar/api/v3/reference/events
EventBody = dict[str, Any]

#: Google's fields that we own only where an agency or the user has set them; everywhere else they are the user's.
DressField = Literal["colorId", "transparency"]


class Rendered(NamedTuple):
    """The fields we own, as for an insert, and their fingerprint; a moment is its text and its time zone, if it has one.

    `dress`: the optional fields, only those that an agency or the user has set.
    """

    summary: str
    location: str
    description: str
    start: tuple[str, str | None]
    end: tuple[str, str | None]
    fingerprint: str
    dress: Mapping[DressField, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class InsertEvent:
    """Put the event on the calendar. `start` is the urgency: the soonest shift goes first."""

    op: Literal["insert"] = "insert"
    agency_id: str
    calendar_id: str
    shift_id: str
    event_id: str
    generation: int
    rendered: InstanceOf[Rendered]
    version: int
    start: Moment
    end: Moment
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class PatchEvent:
    """Make the standing event equal to the wish, unless it changed since `etag`. `undress`: fields to be given back."""

    op: Literal["patch"] = "patch"
    agency_id: str
    calendar_id: str
    shift_id: str
    event_id: str
    generation: int
    etag: str
    rendered: InstanceOf[Rendered]
    undress: tuple[DressField, ...] = ()
    version: int
    start: Moment
    end: Moment
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class DeleteEvent:
    """Take the event off, unless it changed since `etag`."""

    op: Literal["delete"] = "delete"
    agency_id: str
    calendar_id: str
    shift_id: str
    event_id: str
    generation: int
    etag: str
    version: int
    start: Moment
    end: Moment
    cause: Cause | None = None


Mutation = InsertEvent | PatchEvent | DeleteEvent


class Insert(Shape):
    """``events.insert`` with our own id in the body."""

    call: Literal["insert"] = "insert"
    event_id: str
    generation: int
    body: EventBody


class Get(Shape):
    """``events.get``; answers cancelled events too. `taken`: an insert was just told that this id exists."""

    call: Literal["get"] = "get"
    event_id: str
    generation: int
    taken: bool = False


class Patch(Shape):
    """``events.patch`` with If-Match."""

    call: Literal["patch"] = "patch"
    event_id: str
    generation: int
    etag: str
    body: EventBody
    revives: bool = False


class Remove(Shape):
    """``events.delete`` with If-Match."""

    call: Literal["delete"] = "delete"
    event_id: str
    generation: int
    etag: str


Call = Insert | Get | Patch | Remove
