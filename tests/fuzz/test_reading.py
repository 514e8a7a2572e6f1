"""Spoiled messages, read in this process: never an exception, never a loss; `SHIFTCAL_TEST_FUZZ` says how many."""

from __future__ import annotations

import json
import os
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.intake import INPUTS, Reading, Source, read
from tests.fuzz.judged import judge
from tests.fuzz.seeds import seeds
from tests.fuzz.spoil import ODD, spoiled
from tests.planning.build import NOW

COUNT = int(os.environ.get("SHIFTCAL_TEST_FUZZ", "400"))
GOOD = seeds("fuzz", NOW)


def taken(name: str, value: bytes | None, key: bytes | None = b"key") -> Reading:
    """Read and judge one message."""
    source = Source(name, f"p.{name}", 3, 14, NOW, key, value)
    reading = read(source)
    judge(source, reading)
    return reading


@pytest.mark.parametrize("name", INPUTS)
def test_good_messages_before_they_are_spoiled(name: str) -> None:
    """What is spoiled below is good: without that, a fuzzer sees only the outermost check."""
    for value in GOOD[name]:
        assert not taken(name, value).letters


@pytest.mark.parametrize("name", INPUTS)
def test_messages_spoiled_by_the_byte(name: str) -> None:
    """Flipped, cut, repeated, spliced, recoded: each part of each message is in a fact or in one letter, as it came."""
    dice = random.Random(f"bytes of {name}")
    for number in range(COUNT * 5):
        value = spoiled(dice, GOOD[name])
        try:
            taken(name, value, dice.randbytes(number % 5))
        except Exception as error:
            raise AssertionError(f"message {number}: {value[:2_000]!r}") from error


@pytest.mark.parametrize("name", INPUTS)
def test_every_field_with_every_odd_value(name: str) -> None:
    """Whatever stands in a field, of the envelope or of a change, it stops nobody."""
    good = json.loads(GOOD[name][0])
    fields: list[tuple[Any, ...]] = [(field,) for field in (*good, "unknown")]
    if name == "schedule-changed":
        fields += [("changes", index) for index in range(len(good["changes"]))]
        fields += [("changes", 0, "op"), ("changes", 2, "version"), ("changes", 2, "shift_id")]
        fields += [
            ("changes", 0, "shift", field) for field in (*good["changes"][0]["shift"], "kind", "unknown")
        ]
    for path in fields:
        message = json.loads(GOOD[name][0])
        holder = message
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = "@@"
        text = json.dumps(message, ensure_ascii=False)
        for odd in ODD:
            taken(name, text.replace('"@@"', odd).encode())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=max(200, COUNT // 4))
@given(data=st.data(), name=st.sampled_from(INPUTS))
def test_any_json_in_any_place(data: st.DataObject, name: str) -> None:
    """Hypothesis puts what it likes into a good message, and shrinks what breaks."""
    message: Any = json.loads(data.draw(st.sampled_from(GOOD[name])))
    for _ in range(data.draw(st.integers(1, 3))):
        holder = message
        while True:
            names = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not names:
                break
            field = data.draw(st.sampled_from(names))
            if not isinstance(holder[field], dict | list) or data.draw(st.booleans()):
                holder[field] = data.draw(_json)
                break
            holder = holder[field]
    taken(name, json.dumps(message).encode())


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("value", [None, b"", b"\x00" * 1_000_000, b"[" * 1_000_000, b'{"a":' * 200_000])
def test_nothing_and_much_of_it(name: str, value: bytes | None) -> None:
    """A null, an empty value and a megabyte of one byte are dead letters whole."""
    assert len(taken(name, value).letters) == 1


@pytest.mark.parametrize("name", ["user-deactivated", "sync-commands"])
def test_any_moment_beside_the_limit(name: str) -> None:
    """A command is read or refused on either side of five minutes, whatever offset it is written in."""
    dice = random.Random(name)
    good = json.loads(GOOD[name][0])
    for seconds in (-1, 0, 1, *(dice.randrange(-600, 600) for _ in range(50))):
        at = NOW + timedelta(minutes=5, seconds=seconds)
        reading = taken(name, json.dumps(good | {"occurred_at": at.isoformat()}).encode())
        assert bool(reading.letters) is (seconds > 0)
