"""Is a line of a file a message that the worker will take?

In: one line, ``{"topic": ..., "value": {...}}``. Out: an `Entry` with the worker's own reading of it, or with what is
wrong. No files and no Kafka here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from planning.intake import INPUTS, Reading, Source, read

#: Offline nobody knows what the broker's clock will say: late enough that no message is ahead of it.
NO_CLOCK: Final = datetime(9998, 1, 1, tzinfo=UTC)

_FIELD: Final = re.compile(r"([^\s:]+): expected ")


class Finding(NamedTuple):
    """One thing that is wrong with a line; `error` names the field and what was expected."""

    line: int
    reason: str
    error: str

    @property
    def field(self) -> str | None:
        """The field, where it is one."""
        found = _FIELD.match(self.error)
        return found[1] if found else None


class Entry(NamedTuple):
    """A line, read as the worker will read it. With findings, nothing but them counts."""

    line: int
    topic: str = ""
    key: bytes | None = None
    value: bytes = b""
    reading: Reading = Reading()
    findings: tuple[Finding, ...] = ()


def judge(line: int, text: bytes, at: datetime) -> Entry:
    """Read one line. `at` stands for the broker's timestamp, ahead of which a command must not be."""
    try:
        entry = _json(text)
    except ValueError as wrong:
        # The parser counts lines within the line: its line 1 is not the file's.
        where = str(wrong).replace(" at line 1 column ", " at column ")
        return _bad(line, "not_json", f"not UTF-8 JSON: {where}")
    if not isinstance(entry, dict):
        return _bad(line, "not_json", 'the line: expected an object {"topic": ..., "value": {...}}')
    topic = entry.get("topic")
    if topic not in INPUTS:
        came = json.dumps(topic, ensure_ascii=False)[:40] if "topic" in entry else "nothing"
        return _bad(line, "bad_topic", f"topic: expected one of {', '.join(INPUTS)}; came {came}")
    if "value" not in entry:
        return _bad(line, "bad_value", "value: expected the message, a JSON object; came nothing")
    value = entry["value"]
    data = _bytes(value)
    reading = read(Source(topic, topic, 0, line, at, None, None if value is None else data))
    findings = tuple(Finding(line, letter.reason, letter.error) for letter in reading.letters)
    return Entry(line, topic, None if findings else _key(value), data, reading, findings)


def _json(text: bytes) -> Any:
    try:
        return from_json(text)
    except ValueError:
        # Half an emoji spoils the text that it stands in, not the line: the reading will name the field.
        if rb"\u" not in text:
            raise
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
        raise


def _bytes(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _key(value: dict[str, Any]) -> bytes:
    """Group what belongs together: a calendar's messages, or a user's."""
    return f"{value['agency_id']}/{value.get('calendar_id') or value['user_id']}".encode()


def _bad(line: int, reason: str, error: str) -> Entry:
    return Entry(line, findings=(Finding(line, reason, error),))
