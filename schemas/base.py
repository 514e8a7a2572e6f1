"""What every shape has in common, and the constrained words that all of them are built from.

Comes in: nothing. Goes out: `Shape` and annotated types. No shape of a particular message stands here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Shape(BaseModel):
    """A frozen value. Types are strict (``"7"`` is not a number) and unknown fields are ignored."""

    # Without inputs: a crash logs its reason, and shapes hold schedules.
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


#: For `pydantic.dataclasses.dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)`: a shape of which rows hold
#: many. The same rules; a third of a `Shape`'s memory, since it has neither a dictionary nor a set of its fields.
SMALL = ConfigDict(strict=True, extra="ignore")


#: Ids take part in keys (joined by `/`) and in hashes (joined by a control character).
Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f\x7f-\x9f]+$")]

#: Grows with every change of the thing it belongs to; 63 bits, the widest integer that every JSON library keeps.
Version = Annotated[int, Field(ge=0, le=2**63 - 1)]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*")


def _day(value: Any) -> Any:
    """Refuse ``"1700000000"`` and ``"20261202"``, which pydantic would read as seconds since 1970."""
    if (isinstance(value, str) and _DAY.fullmatch(value)) or (
        isinstance(value, date) and not isinstance(value, datetime)
    ):
        return value
    raise PydanticCustomError("day", "Input should be a day such as 2026-12-02")


def _instant(value: Any) -> Any:
    """Refuse numbers, in quotes or not, which pydantic would read as seconds since 1970."""
    if (isinstance(value, str) and _INSTANT.fullmatch(value)) or isinstance(value, datetime):
        return value
    raise PydanticCustomError(
        "instant", "Input should be a time with its offset such as 2026-12-02T07:00:00-05:00"
    )


def _renderable(value: date) -> date:
    """Keep a few days clear of the calendar's two ends, so that no time zone can carry a time beyond them."""
    year = value.astimezone(UTC).year if isinstance(value, datetime) and 1 < value.year < 9999 else value.year
    if not 1 < year < 9999:
        raise PydanticCustomError("year_range", "Input should be between the years 2 and 9998")
    return value


#: An instant with its offset, as in ``2026-12-02T07:00:00-05:00``.
Instant = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_instant), AfterValidator(_renderable)
]

#: A calendar day, as in ``2026-12-02``.
Day = Annotated[date, Field(strict=False), BeforeValidator(_day), AfterValidator(_renderable)]


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    raise PydanticCustomError("moment", "Input should be a time with its offset")


def _moment_or_day(value: Any) -> date:
    if isinstance(value, str) and "T" not in value:
        return date.fromisoformat(value)
    return value if type(value) is date else _moment(value)


class _Read:
    """Reads a value by this function alone; it is written as its type is, without a detour through Python."""

    def __init__(self, function: Callable[[Any], date]) -> None:
        self._function = function

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._function)


#: An instant of our own, in UTC. Rows hold many: Python reads them faster than pydantic does, and compares those of its own
#: `UTC` forty times faster than those of pydantic's.
Moment = Annotated[datetime, _Read(_moment)]

#: An instant in UTC, or a day.
MomentOrDay = Annotated[datetime | date, _Read(_moment_or_day)]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise PydanticCustomError(
            "time_zone", "Input should be an IANA time zone name such as America/New_York"
        )
    return name


#: An IANA time zone name that this machine (or the `tzdata` package) knows.
ZoneName = Annotated[str, AfterValidator(_known_zone)]
