"""What an agency decides about its users' calendars.

In: tables that were read and checked elsewhere. Out: `Policy`, one agency's choices, and `Policies`, all of them. Not
here: reading files, and rendering templates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.preferences import Choice, Colour, Details, ShowAs

Word = Annotated[str, StringConstraints(min_length=1)]


def _as_set(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(each, str) for each in value):
        return frozenset(value)
    raise PydanticCustomError("words", "Input should be a list of words")


def _as_pairs(value: Any) -> Any:
    # Pairs in order, and not a mapping: policies are keys of what was worked out before.
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return tuple(sorted(value.items()))
    if isinstance(value, tuple):
        return value
    raise PydanticCustomError("table", 'Input should be a table such as {shift = "tangerine"}')


#: In a table by kind: every kind that has no line of its own.
EVERY_KIND = "*"


class _Choices(BaseModel):
    # Unlike messages, which may carry what a newer sender knows, a policy's unknown key is a typing mistake.
    # The sentence below a field is its description: `docs/settings.md` shows it.
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class HoldRemovals(_Choices):
    """How large a removal must be to wait for an operator: beyond both limits."""

    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    """Part of the events that stand there: 0.5 is half."""

    count: Annotated[int, Field(ge=1)]
    """Events."""


class Policy(_Choices):
    """One agency's choices; the defaults are those of an agency that says nothing."""

    synced_kinds: Annotated[frozenset[Word], BeforeValidator(_as_set)] = frozenset({"shift"})
    """Kinds of shifts that are shown."""

    on_unpublish: Literal["remove", "keep"] = "remove"
    """What becomes of the events of a calendar that is un-published: they go, or stay frozen."""

    on_leave: Literal["keep", "remove_future"] = "keep"
    """What becomes of the events of who leaves: they stay, or those that have not started go."""

    on_drift: Literal["restore", "respect_deletion", "report"] = "restore"
    """What is done about what a person did to an event by hand: undo all of it, let deletions stand, or only tell."""

    target_calendar: Literal["primary", "own"] = "primary"
    """Where events go: the user's own main calendar, or one that is made for them."""

    title: Word | None = None
    """Jinja2 source of the event's summary; none: the shift's title."""

    description: Word | None = None
    """Jinja2 source of the event's description; none: the shift's notes."""

    hold_removals_over: HoldRemovals | None = None
    """How large a removal by an un-publish must be to wait for an operator; none: nothing waits."""

    colour: Annotated[tuple[tuple[Word, Colour], ...], BeforeValidator(_as_pairs)] = ()
    """Colour by kind, `*` for all others; of what has none the colour is the user's own."""

    details: Details = "full"
    """Whether location and description reach the calendar, or the title alone."""

    show_as: ShowAs | None = None
    """Whether events block time; none: that is the user's own."""

    user_may_choose: Annotated[frozenset[Choice], BeforeValidator(_as_set)] = frozenset()
    """What users may set otherwise for themselves."""

    def colour_of(self, kind: str) -> Colour | None:
        """Return the colour of this kind's events, None where it is not ours to say."""
        by_kind = dict(self.colour)
        return by_kind.get(kind, by_kind.get(EVERY_KIND))

    @cached_property
    def digest(self) -> str:
        """A short name of these very choices, the same in every process."""
        choices = self.model_dump(mode="json")
        choices |= {name: sorted(choices[name]) for name in ("synced_kinds", "user_may_choose")}
        text = repr(sorted(choices.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Policies(BaseModel):
    """Every agency's choices."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    default: Policy = Policy()
    agencies: Annotated[Mapping[str, Policy], AfterValidator(lambda table: MappingProxyType(dict(table)))] = (
        Field(default_factory=lambda: MappingProxyType({}))
    )

    def of(self, agency_id: str) -> Policy:
        """The agency's own choices, or everybody's."""
        return self.agencies.get(agency_id, self.default)
