"""Is a line of a file a message that the worker will take?

In: one line, ``{"topic": ..., "value": {...}}``, with ``"headers": {...}`` where the record has some. Out: an `Entry` with the worker's own reading of it, or with what is
wrong. No files and no Kafka here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from planning.cloudevents import CONTENT_TYPE, STRUCTURED, opened
from planning.intake import INPUTS, Reading, Source, read

#: Offline nobody knows what the broker's clock will say: late enough that no message is ahead of it.
NO_CLOCK: Final = datetime(9998, 1, 1, tzinfo=UTC)

Headers = tuple[tuple[str, bytes], ...]

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
    headers: Headers = ()
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
    headers = _headers(entry.get("headers"))
    if headers is None:
        return _bad(line, "bad_headers", "headers: expected an object of texts, a header each; came another")
    value, data = entry["value"], _bytes(entry["value"])
    reading = read(Source(topic, topic, 0, line, at, None, None if value is None else data, headers))
    findings = tuple(Finding(line, letter.reason, letter.error) for letter in reading.letters)
    if findings:
        return Entry(line, topic, None, data, headers, reading, findings)
    key, headers = _addressed(value, data, headers)
    return Entry(line, topic, key, data, headers, reading)


def _headers(found: Any) -> Headers | None:
    """Return the headers of a record; None where they are none."""
    if found is None:
        return ()
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        return None
    try:
        return tuple((name.encode().decode(), text.encode()) for name, text in found.items())
    except UnicodeEncodeError:
        return None


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


def _addressed(value: dict[str, Any], data: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Group what belongs together, a calendar's messages or a user's; a structured event says that it is one."""
    if not headers and "specversion" not in value:
        return _key(value), headers
    found = opened(headers, data)
    if found.within and all(name != CONTENT_TYPE for name, _ in headers):
        headers = (*headers, (CONTENT_TYPE, STRUCTURED.encode()))
    return _key(found.message), headers


def _key(message: dict[str, Any]) -> bytes:
    return f"{message['agency_id']}/{message.get('calendar_id') or message['user_id']}".encode()


def _bad(line: int, reason: str, error: str) -> Entry:
    return Entry(line, findings=(Finding(line, reason, error),))
