"""Say to a person what is wrong with a message: which field, what was expected, what came.

Comes in: pydantic's errors. Goes out: one sentence, in the words of somebody who writes JSON, not Python. Never a text
of somebody's schedule, a name or a token, which would go to the dead letters' headers and from there to logs: columns get
mixed up, so what came is shown only where it looks as the field should.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from schemas.base import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

_TIME = re.compile(r"[0-9TtZz:+\-., ]{0,40}")
_NUMBER = re.compile(r"[0-9+\-.eE]{0,20}")
_WORD = re.compile(r"[A-Za-z_]{0,20}")
_ZONE = re.compile(r"[A-Z][A-Za-z_]{0,19}/[A-Za-z_/+\-0-9]{0,20}")
_MEDIA = re.compile(r"[A-Za-z0-9.+\-]{1,20}/[A-Za-z0-9.+\-]{1,20}")
#: Too short for a token, and without blanks, as names and titles have.
_ID = re.compile(r"[A-Za-z0-9_.:/\\\-\x00-\x1f]{0,20}")

#: How a text in a field must look to be shown; in any other field, or where an object was expected, none is.
_SHOWN = (
    dict.fromkeys(
        ("start", "end", "occurred_at", "published_from", "published_through", "time", "ce_time"), _TIME
    )
    | dict.fromkeys(("version", "schema_version", "specversion", "ce_specversion"), _NUMBER)
    | dict.fromkeys(("datacontenttype", "content-type"), _MEDIA)
    | dict.fromkeys(("op", "command", "reason", "purge"), _WORD)
    | dict.fromkeys(("agency_id", "calendar_id", "shift_id", "user_id"), _ID)
    | {"time_zone": _ZONE}
)


def describe(errors: Sequence[ErrorDetails], place: str = "") -> str:
    """Say in one sentence what the first error is, and where more of them are."""
    first = _field(errors[0], place)
    # A field that may be a time or a day has an error for each; one that clearly tried to be a time is told of that.
    same = [error for error in errors if _field(error, place) == first]
    if errors[0]["type"] not in {"instant", "timezone_aware"}:
        same = same[:1]
    more = sorted({_field(error, place) for error in errors} - {first})
    tail = f" Also wrong: {', '.join(more[:5])}." if more else ""
    expected = ", or ".join(dict.fromkeys(_expected(error) for error in same))
    return f"{first or 'the message'}: expected {expected}; came {_found(errors[0])}.{tail}"


def _field(error: ErrorDetails, place: str) -> str:
    parts = [place] if place else []
    parts += [str(part) for part in error["loc"] if not _is_branch(part)]
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        parts.append(error["ctx"]["discriminator"].strip("'"))
    return ".".join(parts)


def _expected(error: ErrorDetails) -> str:
    """Say what a field should hold, in the words of somebody who writes JSON, not Python."""
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "a value"
        case "union_tag_invalid":
            return " or ".join(limits["expected_tags"].rsplit(", ", 1))
        case "union_tag_not_found":
            return _TAGS[limits["discriminator"].strip("'")]
        case "string_too_long":
            return f"at most {limits['max_length']:,} characters"
        case "string_too_short":
            return "at least one character"
        case "string_pattern_mismatch":
            return "an id without `/` and without control characters"
        case "greater_than_equal" | "less_than_equal" as side:
            return f"a number of at {'least' if side[0] == 'g' else 'most'} {limits['ge' if side[0] == 'g' else 'le']}"
        case (
            "datetime_parsing" | "datetime_from_date_parsing" | "date_parsing" | "date_from_datetime_parsing"
        ):
            return f"a moment that exists ({limits.get('error', 'this one does not')})"
        case known if known in _EXPECTED:
            return _EXPECTED[known]
        case _:
            return error["msg"].removeprefix("Input should ").removeprefix("be ").removeprefix("have ")


_TAGS = {"op": "'upsert' or 'delete'", "command": "'connect', 'disconnect' or 'resync'"}

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "int_from_float": "a whole number",
    "int_parsing_size": "a number of fewer digits",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_type": "a text",
    "string_unicode": "a text of whole characters (half of a surrogate pair stands in it)",
    "timezone_aware": "a time with its offset such as 2026-12-02T07:00:00-05:00",
}


def _found(error: ErrorDetails) -> str:
    """Say what came, unless it may be a text of somebody's schedule."""
    found = error.get("input")
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return "nothing"
        case "union_tag_invalid" if isinstance(found, dict):
            found = found.get(error["ctx"]["discriminator"].strip("'"))
        case "string_too_long" | "string_unicode" if isinstance(found, str):
            return f"a text of {len(found):,} characters"
    field = _field(error, "").rpartition(".")[2]
    shown = _SHOWN.get(field)
    return came(found, private=shown is None or not isinstance(found, str) or shown.fullmatch(found) is None)


def _is_branch(part: int | str) -> bool:
    """Say whether a part of an error's path is pydantic's name for a branch of a union, not a field."""
    return isinstance(part, str) and (part in _BRANCHES or "(" in part or "[" in part)


_BRANCHES = {"upsert", "delete", "connect", "disconnect", "resync"}


def came(value: Any, *, private: bool = False) -> str:
    """Say what came, cut short; of a `private` text only its length."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {str(value)[:40]}"
        case str() if private:
            return f"a text of {len(value):,} characters"
        case str():
            # Half a surrogate pair cannot be sent as UTF-8, in no header either: ASCII escapes it.
            return json.dumps(
                value if len(value) <= 40 else value[:40] + "...", ensure_ascii=not _is_whole(value)
            )
        case list():
            return f"a list of {len(value)}"
        case dict() | Shape():
            return "an object"
        case _:
            return f"a {type(value).__name__}"


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
