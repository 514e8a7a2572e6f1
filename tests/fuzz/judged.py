"""What must be true of every reading, worked out without the product's own reader.

In: a message and what it came to. Out: an AssertionError where something was lost, doubled, altered or told.
"""

from __future__ import annotations

import json
from typing import Any

from planning.intake import LONGEST_LETTER, Reading, Source
from schemas.facts import ShiftsChanged
from streams import codec
from tests.fuzz.seeds import CANARY

REASONS = {"null_value", "not_json", "bad_envelope", "bad_change", "bad_cloudevent", "from_the_future"}


class _NotJson(ValueError):
    pass


def judge(source: Source, reading: Reading) -> None:
    """Fail unless everything is in a fact or in exactly one letter, as it came."""
    _letters_say_where_from(source, reading)
    _facts_can_be_sent(reading)
    message = _message(source.value)
    whole = [letter for letter in reading.letters if letter.reason != "bad_change"]
    if whole or not isinstance(message, dict):
        assert not reading.calendar_facts
        assert not reading.user_facts
        [letter] = reading.letters
        assert letter.value == source.value
        return
    if source.name != "schedule-changed":
        assert len(reading.calendar_facts) + len(reading.user_facts) == 1
        assert not reading.letters
        return
    _every_change_is_somewhere(message, reading)


def _every_change_is_somewhere(message: dict[str, Any], reading: Reading) -> None:
    """Letters hold their change in a copy of the envelope, and what is left is what the fact has, in its order."""
    left = list(message["changes"])
    for letter in reading.letters:
        copy = _message(letter.value)
        assert copy | {"changes": 0} == message | {"changes": 0}
        [change] = copy["changes"]
        left.remove(change)
    good: list[Any] = []
    for fact in reading.calendar_facts:
        assert isinstance(fact, ShiftsChanged)
        assert (fact.agency_id, fact.calendar_id) == (message["agency_id"], message["calendar_id"])
        good += fact.changes
    told = [one["shift"] if one["op"] == "upsert" else one for one in left]
    assert [(one.shift_id, one.version) for one in good] == [
        (one["shift_id"], int(one["version"])) for one in told
    ]


def _letters_say_where_from(source: Source, reading: Reading) -> None:
    for letter in reading.letters:
        assert letter.reason in REASONS
        assert letter.error
        assert CANARY not in letter.error
        assert len(letter.error) < 2_000
        assert letter.key == source.key
        assert len(letter.value or b"") <= min(len(source.value or b""), LONGEST_LETTER)
        headers = dict(letter.headers())
        place = (headers["source-topic"], headers["source-partition"], headers["source-offset"])
        assert place == (source.topic.encode(), b"%d" % source.partition, b"%d" % source.offset)


def _facts_can_be_sent(reading: Reading) -> None:
    for fact in reading.calendar_facts:
        assert codec.calendar_fact(codec.encode(fact)) == fact
        assert codec.key(fact.agency_id, fact.calendar_id).count(b"/") == 1
    for told in reading.user_facts:
        assert codec.user_record(codec.encode(told)) == told
        assert codec.key(told.agency_id, told.user_id).count(b"/") == 1


def _message(value: bytes | None) -> Any:
    """JSON with its numbers as they are written; None where it is none."""
    if value is None:
        return None
    try:
        return json.loads(value.decode(), parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(word: str) -> Any:
    raise _NotJson(word)
