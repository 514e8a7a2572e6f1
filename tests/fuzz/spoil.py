"""Spoil good messages, by the byte and by the value.

In: dice and good messages. Out: bytes, the same for the same dice. Not here: what must become of them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

#: JSON texts that libraries trip over.
ODD = (
    "null", "true", "0", "-0", "-0.0", "1.0", "1e999", "-1e999", "1e-999", "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1",
    "9" * 20, "9" * 4_299, "9" * 4_301, "1." + "3" * 5_000, str(2**63), str(2**63 - 1), str(-(2**63)), '""', '" "', '"\\u0000"',
    '"\\ud83d"', '"\\udc00\\ud83d"', '"\\uD83D\\uDE91"', '"\\x41"', '"\ufeff"', '"\u202e\u200b"', '"\U0010ffff"', '"a/b"', '"a\\u001fb"',
    '"' + "é" * 300 + '"', '"' + "n" * 40_000 + '"', "[]", "{}", "[[]]", '{"op":"upsert"}', '{"op":"delete","op":"upsert"}',
    '{"a":1,"a":2}', "[" * 150 + "]" * 150, "[" * 250 + "]" * 250, "[" * 3_000 + "]" * 3_000, '{"a":' * 300 + "1" + "}" * 300, "[" * 100_000,
    '"2026-12-02"', '"2026-12-02T07:00:00"', '"2026-12-02T07:00:00+99:99"', '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"',
    '"2026-02-30"', '"2026-12-02T24:00:00Z"', '"2026-12-02T07:00:60Z"', '"Europe/Örebro"', '"localtime"', '"../../etc/passwd"',
)  # fmt: skip

BYTES = (b"\x00", b"\xff", b"\xc3", b"\xed\xa0\xbd", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"\\", b"{", b"}", b"[", b"]",
         b",", b":", b"\n", b"\x1f", b"\xe2\x80\xa8", b"//", b"'")  # fmt: skip

Spoiler = Callable[[random.Random, bytes, bytes], bytes]


def spoiled(dice: random.Random, good: Sequence[bytes]) -> bytes:
    """Return one of these, spoiled once or a few times."""
    value = dice.choice(good)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        value = dice.choice(_SPOILERS)(dice, value, dice.choice(good))[:900_000]
    return value


def bytes_spoiled(dice: random.Random, good: Sequence[bytes]) -> bytes:
    """Return one of these, spoiled by the byte alone: it may be no JSON at all."""
    value = dice.choice(good)
    for _ in range(dice.choice((1, 1, 2, 4))):
        value = dice.choice(_BYTEWISE)(dice, value, dice.choice(good))[:200_000]
    return value


def _flip(dice: random.Random, value: bytes, _: bytes) -> bytes:
    altered = bytearray(value or b"\x00")
    for _number in range(dice.choice((1, 2, 8))):
        altered[dice.randrange(len(altered))] ^= 1 << dice.randrange(8)
    return bytes(altered)


def _cut(dice: random.Random, value: bytes, _: bytes) -> bytes:
    start, end = sorted(dice.randrange(len(value) + 1) for _ in range(2))
    return dice.choice((value[:start], value[end:], value[:start] + value[end:]))


def _repeat(dice: random.Random, value: bytes, _: bytes) -> bytes:
    start, end = sorted(dice.randrange(len(value) + 1) for _ in range(2))
    return value[:start] + value[start:end] * dice.choice((2, 3, 20)) + value[end:]


def _splice(dice: random.Random, value: bytes, other: bytes) -> bytes:
    return value[: dice.randrange(len(value) + 1)] + other[dice.randrange(len(other) + 1) :]


def _insert(dice: random.Random, value: bytes, _: bytes) -> bytes:
    at = dice.randrange(len(value) + 1)
    return value[:at] + dice.choice(BYTES) * dice.choice((1, 1, 3)) + value[at:]


def _envelop(dice: random.Random, value: bytes, other: bytes) -> bytes:
    around = ((b"\xef\xbb\xbf", b""), (b"[", b"]"), (b"", other), (b" \n\t", b"\r\n "), (b"", b"\x00"))
    before, after = dice.choice(around)
    return before + value + after


def _recode(dice: random.Random, value: bytes, _: bytes) -> bytes:
    return value.decode(errors="replace").encode(
        dice.choice(("utf-16", "latin-1", "utf-7")), errors="replace"
    )


def _replace(dice: random.Random, value: bytes, _: bytes) -> bytes:
    """Put an odd value, or one from elsewhere in the message, in the place of some value."""
    message = _read(value)
    places = list(_places(message))
    if not places:
        return value
    holder, name = dice.choice(places)
    marker = "@@ here @@"
    other_holder, other = dice.choice(places)
    new = json.dumps(other_holder[other]) if dice.random() < 0.2 else dice.choice(ODD)
    holder[name] = marker
    return json.dumps(message, ensure_ascii=False).replace(f'"{marker}"', new).encode(errors="replace")


def _duplicate(dice: random.Random, value: bytes, _: bytes) -> bytes:
    """Give an object one of its names twice."""
    objects = [(holder, name) for holder, name in _places(_read(value)) if isinstance(holder, dict)]
    if not objects:
        return value
    name = json.dumps(dice.choice(objects)[1]).encode()
    return value.replace(name + b":", name + b":" + dice.choice(ODD).encode() + b"," + name + b":", 1)


def _omit(dice: random.Random, value: bytes, _: bytes) -> bytes:
    message = _read(value)
    if places := list(_places(message)):
        holder, name = dice.choice(places)
        del holder[name]
    return json.dumps(message, ensure_ascii=False).encode(errors="replace")


def _multiply(dice: random.Random, value: bytes, _: bytes) -> bytes:
    """Put many odd changes among the good ones."""
    message = _read(value)
    if not isinstance(message, dict) or not isinstance(message.get("changes"), list):
        return value
    message["changes"] += ["@@"] * dice.choice((1, 5, 40))
    dice.shuffle(message["changes"])
    parts = json.dumps(message, ensure_ascii=False).split('"@@"')
    small = [odd for odd in ODD if len(odd) < 400]
    text = parts[0] + "".join(dice.choice(small) + part for part in parts[1:])
    return text.encode(errors="replace")


_BYTEWISE: tuple[Spoiler, ...] = (_flip, _cut, _repeat, _splice, _insert, _envelop)
_SPOILERS = (*_BYTEWISE, _recode, _replace, _replace, _replace, _replace, _duplicate, _omit, _multiply)


def _read(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _places(found: Any) -> list[tuple[Any, Any]]:
    """Every value's holder, and its name in it."""
    places: list[tuple[Any, Any]] = []
    waiting = [found]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list):
            names = list(holder) if isinstance(holder, dict) else range(len(holder))
            places += [(holder, name) for name in names]
            waiting += [holder[name] for name in names]
    return places
