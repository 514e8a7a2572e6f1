"""Read a file of connections.

In: lines of JSON. Out: `NewConnection`s, or what is wrong with a line: the field and what was expected, never what
came, which may be a token in the wrong place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, SecretStr, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError, from_json

from schemas.base import Id, Shape
from schemas.errors import OperatorError
from vault import NewConnection

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from ops.lines import Lines


def _words(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value):
        return tuple(value)
    raise PydanticCustomError(
        "scopes", "Input should be a list of scopes, or one text with spaces between them"
    )


def _secret(value: Any) -> Any:
    if isinstance(value, str) and value.strip():
        return SecretStr(value)
    raise PydanticCustomError("refresh_token", "Input should be a text that is not empty")


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\s\x00-\x1f\x7f-\x9f]+$")
]


class _Line(Shape):
    agency_id: Id
    user_id: Id
    google_account: Text
    refresh_token: Annotated[SecretStr, BeforeValidator(_secret)]
    scopes: Annotated[tuple[str, ...], BeforeValidator(_words)]
    google_calendar_id: Text | None = None


def connections(lines: Lines) -> tuple[list[NewConnection], list[str]]:
    """All connections of a file, and what is wrong with its lines."""
    good: list[NewConnection] = []
    bad: list[str] = []
    for number, text in lines.each("checking"):
        try:
            good.append(connection(text))
        except OperatorError as wrong:
            bad.append(f"{lines.name}:{number}: {wrong}")
    return good, bad


def connection(text: bytes) -> NewConnection:
    """One connection."""
    try:
        # Errors of a validation hold its input: nothing of them is kept but the field and what was expected.
        line = _Line.model_validate(_object(text))
    except ValidationError as wrong:
        raise OperatorError("; ".join(_told(each) for each in wrong.errors(include_input=False))) from None
    return NewConnection(
        agency_id=line.agency_id,
        user_id=line.user_id,
        google_account=line.google_account,
        refresh_token=line.refresh_token,
        scopes=line.scopes,
        google_calendar_id=line.google_calendar_id or "primary",
    )


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = from_json(text)
    except ValueError as wrong:
        where = str(wrong).replace(" at line 1 column ", " at column ")
        raise OperatorError(f"not UTF-8 JSON: {where}") from None
    if not isinstance(value, dict):
        raise OperatorError("expected a JSON object")
    return value


def _told(error: ErrorDetails) -> str:
    field = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{field}: expected a value; came nothing"
    if error["type"] == "string_pattern_mismatch":
        none = (
            "slashes and control characters"
            if field in {"agency_id", "user_id"}
            else "spaces and control characters"
        )
        return f"{field}: expected a text without {none}"
    return f"{field}: expected {error['msg'].removeprefix('Input should ').removeprefix('be ')}"
