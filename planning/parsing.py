"""Read JSON from anybody.

Comes in: the bytes of a message. Goes out: an object, or a `BadMessage`. Not here: what its fields should be.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json

from planning.describe import came
from schemas.errors import BadMessage


def parse(value: bytes | None) -> dict[str, Any]:
    """Return the object in these bytes, or raise `BadMessage`."""
    if value is None:
        raise BadMessage("null_value", "The value is null; expected a JSON object.")
    try:
        raw = from_json(value, allow_inf_nan=False)
    except ValueError as wrong:
        raw = _leniently(value)
        if raw is None:
            raise BadMessage("not_json", f"The value is not UTF-8 JSON: {wrong}.") from None
    if not isinstance(raw, dict):
        raise BadMessage("not_json", f"The value is {came(raw, private=True)}; expected a JSON object.")
    return raw


def _leniently(value: bytes) -> Any:
    r"""Read JSON that the strict parser refuses: a ``\ud83d`` alone, a number of thousands of digits. Else None.

    A sender that cuts a text in the middle of an emoji writes the former. The change with such a text is bad, its
    neighbours are not (https://datatracker.ietf.org/doc/html/rfc8259#section-8.2).
    """
    try:
        return json.loads(value.decode(), parse_int=_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 4_000 else float(digits)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not JSON")
