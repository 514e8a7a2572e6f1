"""One record of a format that is newer, one with a field that is not known, and what a process writes meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
import zstandard
from pydantic import Field
from pydantic.dataclasses import dataclass

from schemas import formats
from schemas.base import SMALL, Shape
from schemas.facts import VerifyDue
from schemas.formats import since
from schemas.rows import UserRow
from streams import agreement, codec, owners
from streams.errors import FormatTooNew, RuntimeRefused
from tests.upgrade.shapes import examples

FACT = VerifyDue(agency_id="metro", user_id="u1", ticket="t")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that knows a second format."""
    monkeypatch.setattr(formats, "NEWEST", 2)
    monkeypatch.setattr(formats, "_written", 1)


@dataclass(frozen=True, slots=True, kw_only=True, config=SMALL)
class Part:
    name: str
    note: str | None = Field(default=None, exclude_if=since(2))


class Whole(Shape):
    parts: dict[str, Part] = {}
    note: str | None = Field(default=None, exclude_if=since(2))


WHOLE = Whole(parts={"1": Part(name="a", note="deep")}, note="top")


def test_the_first_format() -> None:
    """It costs no byte: the bytes are zstandard's own."""
    assert codec.encode(FACT) == zstandard.ZstdCompressor(level=1, write_checksum=False).compress(
        FACT.model_dump_json(exclude_none=True).encode()
    )


@pytest.mark.usefixtures("two")
def test_a_field_of_a_later_format() -> None:
    """It is left out, wherever it stands, until the group is raised; then it costs its bytes and two more."""
    assert codec.decode(Whole, codec.encode_row(WHOLE)) == Whole(parts={"1": Part(name="a")})
    formats.write(2)
    data = codec.encode_row(WHOLE)
    assert codec.decode(Whole, data) == WHOLE
    assert data[:2] == b"\xf5\x02"
    assert codec.json_size(data) == len(codec.unpacked(data))


@pytest.mark.parametrize("read", [codec.user_record, codec.calendar_fact, codec.unpacked, codec.json_size])
def test_a_record_of_a_newer_format(read: Any) -> None:
    """Nothing of it is read, whatever it holds: one line says what is needed."""
    with pytest.raises(FormatTooNew) as caught:
        read(b"\xf5\x63" + b"what nobody knows")
    assert "format 99" in str(caught.value)
    assert f"up to {formats.NEWEST}: start the newer release" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_field_that_is_not_known() -> None:
    """A row that is written again by a release before the field loses it, and nothing else: so the rules of docs/upgrade.md."""
    *_, row = examples(UserRow)
    told = row.model_dump(mode="json", exclude_defaults=True)
    told["later"] = told["connection"]["later"] = "unknown"
    for one in (*told["applied"].values(), *told["calendars"].values()):
        one["later"] = {"more": 1}
    newer = zstandard.compress(json.dumps(told).encode())
    assert codec.decode(UserRow, newer) == row
    assert codec.encode_row(codec.decode(UserRow, newer)) == codec.encode_row(row)


def _said(number: int) -> list[tuple[bytes | None, bytes | None]]:
    return [
        (b"done", b"{}"),
        (agreement.KEY, b'{"number": %d, "release": "7.1", "more": 1}' % number),
    ]


def test_a_group_that_was_raised() -> None:
    """Who is too old is told which release it takes."""
    with pytest.raises(
        FormatTooNew, match=r"release 7\.1 has raised .* to format 9, .* start release 7\.1 or a newer one"
    ):
        agreement.heed(_said(9))
    assert formats.written() == 1


def test_a_group_that_was_never_raised() -> None:
    """It writes the first format."""
    assert agreement.heed([(b"done", b"{}")]) == agreement.Agreed(1, None)


def test_a_group_that_is_too_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that cannot write what the others read does not begin; a release between the two is named as the cure."""
    monkeypatch.setattr(formats, "NEWEST", 4)
    monkeypatch.setattr(formats, "OLDEST_WRITTEN", 3)
    with pytest.raises(
        RuntimeRefused, match=r"format 2, .* writes 3 at the least: start a release between the two first"
    ):
        agreement.heed(_said(2))


@pytest.mark.usefixtures("two")
def test_a_raise_while_a_worker_runs() -> None:
    """It writes the new format once it looks again."""
    agreement.heed(_said(1))
    assert codec.encode(FACT)[:1] != b"\xf5"
    agreement.heed(_said(2))
    assert codec.encode(FACT)[:2] == b"\xf5\x02"


def test_who_is_behind() -> None:
    """Whoever owns users now and does not know the format; who has left, or was followed by somebody else, does not count."""

    def said(
        instance: str, process: str, how: str, partitions: list[int], **more: object
    ) -> tuple[bytes, bytes]:
        value = {"process": process, "how": how, "partitions": partitions, "spent": {}, **more}
        return f"owner/{instance}".encode(), json.dumps(value).encode()

    old = said("a", "1", "claimed", [0, 1])  # of before there were any formats
    new = said("b", "2", "claimed", [2, 3], release="7.1", knows=2)
    assert owners.behind([old, new], 2) == ["unknown"]
    assert owners.behind([old, new], 1) == []
    assert owners.behind([old, new, said("a", "1", "released", [0, 1])], 2) == []
    again = said("a", "3", "claimed", [0, 1], release="7.1", knows=2)
    assert owners.behind([old, new, again], 2) == []
