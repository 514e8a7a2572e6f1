"""Examples of every row and every internal message, made from the models themselves: a new field is in them by itself.

In: the shapes of this build. Out: for each kind its bare form (what must be there, no more), and as many full ones as it
takes for every word of a closed list and every branch of a union to occur. Nothing here reads bytes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel

from planning.identity import event_id
from schemas.facts import CalendarFact, Inherited, UserRecord
from schemas.messages import Shift
from schemas.rows import AssignmentRow, PublicationRow, RosterRow, UserRow
from schemas.views import View

#: Whatever happens, nothing of these is history for a long time.
MOMENT = datetime(2035, 5, 17, 12, 30, tzinfo=UTC)
ROWS: tuple[type[BaseModel], ...] = (PublicationRow, AssignmentRow, RosterRow, UserRow, View)

#: More turns than the longest list of words has.
_MOST = 12

#: Of the only shape whose fields must agree with each other.
SHIFTS: tuple[dict[str, object], ...] = (
    {
        "shift_id": "48213",
        "version": 7,
        "user_id": "u-17",
        "kind": "shift",
        "title": "Medic 12 Day",
        "start": "2035-06-01T07:00:00-04:00",
        "end": "2035-06-01T19:00:00-04:00",
        "time_zone": "America/New_York",
        "location": "Station 4",
        "notes": "Bring the new radio",
    },
    {"shift_id": "48214", "version": 1, "title": "Leave", "start": "2035-06-02", "end": "2035-06-04"},
)


def facts(union: object) -> tuple[type[BaseModel], ...]:
    """The members of a union that is told apart by a word."""
    return tuple(_branches(union))


def families() -> dict[str, tuple[type[BaseModel], ...]]:
    """All kinds by how they are read: rows, and what stands on the two internal topics.

    Not what only a shadow tells itself: it is begun anew with each release, and read by no other.
    """
    records = tuple(kind for kind in facts(UserRecord) if kind is not Inherited)
    return {"row": ROWS, "calendar-fact": facts(CalendarFact), "user-record": records}


def examples(kind: type[BaseModel]) -> Iterator[BaseModel]:
    """The bare form, then full ones until none shows another word or branch."""
    yield _Maker(0, set()).shape(kind, bare=True)
    chosen: set[object] = set()
    for turn in range(_MOST):
        before = len(chosen)
        one = _Maker(turn, chosen).shape(kind)
        if turn == 0 or len(chosen) > before:
            yield one


class _Maker:
    """Makes values; of several choices takes the one whose `turn` it is, and notes it in `chosen`."""

    def __init__(self, turn: int, chosen: set[object]) -> None:
        self._turn, self._chosen = turn, chosen

    def shape(self, kind: Any, *, bare: bool = False) -> Any:
        """A row, a message, or a part of one."""
        if kind is Shift:
            words = SHIFTS[self._turn % len(SHIFTS)]
            self._chosen.add((Shift, self._turn % len(SHIFTS)))
            return Shift.model_validate_json(json.dumps(words))
        hints = {name: hint for name, hint in _hints(kind).items() if not (bare and _has_default(kind, name))}
        made = kind(**{name: self._value(hint, name) for name, hint in hints.items()})
        return _with_ids(made) if kind is UserRow else made

    def _value(self, hint: Any, name: str) -> Any:
        origin, inner = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._value(inner[0], name)
        if origin is Literal:
            return self._choice(inner, name)
        if origin in {Union, UnionType}:
            return self._value(self._choice([one for one in inner if one is not NoneType], name), name)
        if origin is tuple:
            return tuple(self._later(more)._value(inner[0], name) for more in range(3))
        if origin is dict:
            return {f"{name}-{more}": self._later(more)._value(inner[1], name) for more in range(2)}
        return self._simple(hint, name)

    def _simple(self, hint: Any, name: str) -> Any:
        if hint in {datetime, AwareDatetime}:
            return MOMENT + timedelta(days=self._turn, hours=12 * (name == "end"))
        if hint is date:
            return (MOMENT + timedelta(days=self._turn + (name in {"end", "through"}))).date()
        plain = {bool: self._turn % 2 == 0, int: 7 + self._turn, float: 0.25, str: f"{name} ü {self._turn}"}
        return plain[hint] if hint in plain else self.shape(hint)

    def _choice(self, of: Sequence[Any], name: str) -> Any:
        chosen = of[self._turn % len(of)]
        self._chosen.add((name, str(chosen)))
        return chosen

    def _later(self, more: int) -> _Maker:
        return _Maker(self._turn + more, self._chosen)


def _with_ids(row: UserRow) -> UserRow:
    """The row, its events known by the ids that follow from their shifts."""
    applied = {
        event_id(row.agency_id, one.calendar_id, one.shift_id, one.generation): one
        for one in row.applied.values()
    }
    return row.model_copy(update={"applied": applied})


def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    names = (
        kind.model_fields if issubclass(kind, BaseModel) else [one.name for one in dataclasses.fields(kind)]
    )
    return {name: hints[name] for name in names}


def _has_default(kind: Any, name: str) -> bool:
    if issubclass(kind, BaseModel):
        return not kind.model_fields[name].is_required()
    return any(
        one.name == name and one.default is not dataclasses.MISSING for one in dataclasses.fields(kind)
    )


def _branches(union: Any) -> Iterator[type[BaseModel]]:
    if get_origin(union) in {Annotated, Union, UnionType}:
        inner = get_args(union)
        for one in inner[:1] if get_origin(union) is Annotated else inner:
            yield from _branches(one)
    else:
        yield union
