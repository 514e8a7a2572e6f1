"""`policies check` and `policies preview`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.preferences import COLOUR_IDS
from tests.ops.conftest import Jsonl, Shell
from tests.ops.messages import delete, published, schedule, upsert

GOOD = """
[default]
title = "{{ title }} @ {{ location }}"
colour = {shift = "tangerine", "*" = "sage"}

[agency."metro-ems"]
synced_kinds = ["shift", "class"]
show_as = "free"
user_may_choose = ["colour", "details"]

[agency.county]
details = "title_only"
colour = false
"""

BAD = """\
[default]
title = "{{ titel }}"
[agency.county]
colour = {shift = "orange"}
details = "none"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        (tmp_path / "policies.toml").write_text(text)
        return "policies.toml"

    return write


Toml = Callable[[str], str]


def test_a_good_file(process: Shell, toml: Toml) -> None:
    """It is told whose tables it has; without an argument the file is that of the settings."""
    ended = process("policies", "check", toml(GOOD))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "policies.toml: good: [default] and county, metro-ems\n"
    assert process("policies", "check", policies="policies.toml") == ended


def test_a_bad_file(shiftcal: Shell, toml: Toml) -> None:
    """Everything that is wrong is told with its line, table and key, and what was expected."""
    ended = shiftcal("policies", "check", toml(BAD))
    assert (ended.status, ended.out) == (1, "")
    *some, last = COLOUR_IDS
    starts = [line.split(": ")[:3] for line in ended.err.splitlines()]
    assert [": ".join(start) for start in starts] == [
        "policies.toml:2: [default] title: unknown variable titel",
        f'policies.toml:4: [agency."county"] colour.shift: should be {", ".join(map(repr, some))} or {last!r}',
        "policies.toml:5: [agency.\"county\"] details: should be 'full' or 'title_only'",
    ]


def test_a_preview_with_a_bad_file(shiftcal: Shell, toml: Toml) -> None:
    """One line, as a worker says it, and nothing is shown."""
    ended = shiftcal("policies", "preview", toml(BAD), "--agency", "county")
    assert (ended.status, ended.out) == (1, "")
    assert ended.complaint.startswith("shiftcal: policies.toml:2: ")
    assert "(2 more: `shiftcal policies check` lists all)" in ended.complaint


@pytest.mark.parametrize("verb", [["check"], ["preview", "--agency", "metro-ems"]])
def test_no_file(shiftcal: Shell, verb: list[str]) -> None:
    """Without one, and without the setting, that is wrong use; one that is not there is a failure."""
    ended = shiftcal("policies", *verb)
    assert (ended.status, ended.out) == (2, "")
    assert "SHIFTCAL_POLICIES" in ended.complaint
    ended = shiftcal("policies", *verb, "absent.toml")
    assert (ended.status, ended.out) == (1, "")
    assert "absent.toml: cannot be read" in ended.complaint


def test_made_up_shifts(shiftcal: Shell, toml: Toml) -> None:
    """Each kind is shown as its event would be, with times and as a whole day."""
    ended = shiftcal("policies", "preview", toml(GOOD), "--agency", "metro-ems")
    assert (ended.status, ended.err) == (0, "")
    heading, *events = ended.out.split("\n\n")
    assert heading == (
        'metro-ems, by [agency."metro-ems"]: kinds shown: class, shift; users may choose: colour, details'
    )
    assert [event.split()[0] for event in events] == ["class", "class", "shift", "shift"]
    assert events[2] == (
        "shift 48213 of ops-2026-12\n"
        "  title        Medic 12 Day @ Station 4\n"
        "  starts       2026-12-02T07:00:00-05:00 (America/New_York)\n"
        "  ends         2026-12-02T19:00:00-05:00 (America/New_York)\n"
        "  location     Station 4\n"
        "  description  Bring the new radio\n"
        "  colour       tangerine (colorId 6)\n"
        "  shows as     free (transparent)\n"
        "  reminders    those of the user's calendar"
    )
    assert "colour       sage (colorId 2)" in events[0]
    assert "starts       2026-12-24 (whole day)" in events[1]


def test_titles_only(shiftcal: Shell, toml: Toml) -> None:
    """What the agency keeps back, and what it leaves alone, is said as well."""
    ended = shiftcal("policies", "preview", toml(GOOD), "--agency", "county")
    assert "Station 4" not in ended.out
    assert "radio" not in ended.out
    assert "  title        Medic 12 Day\n  starts" in ended.out
    assert ended.out.count("the user's own affair") == 4
    assert "users may choose: nothing" in ended.out


def test_an_agency_without_a_table(shiftcal: Shell, toml: Toml) -> None:
    """It has the defaults."""
    ended = shiftcal("policies", "preview", toml(GOOD), "--agency", "rural")
    assert ended.out.startswith("rural, by [default]: kinds shown: shift;")


def test_shifts_of_a_file(process: Shell, toml: Toml, jsonl: Jsonl) -> None:
    """Those of the agency are shown, in their order; and why one is not. Nothing in a text reaches the terminal."""
    file = jsonl(
        schedule(upsert("1", notes="One\nTwo\x1b[31m"), delete("2")),
        published(),
        schedule(upsert("3", kind="training"), upsert("4", user=None), calendar="jan"),
        schedule(upsert("5"), agency="rural"),
    )
    ended = process("policies", "preview", toml(GOOD), "--agency", "metro-ems", "--event", file)
    assert (ended.status, ended.err) == (0, "")
    _, *events = ended.out.rstrip().split("\n\n")
    assert [event.split("\n")[0] for event in events] == [
        "shift 1 of ops-2026-12",
        "training 3 of jan: not shown, since its kind is none of those",
        "shift 4 of jan: not shown, since it is nobody's yet",
    ]
    assert "  description  One\n               Two\N{REPLACEMENT CHARACTER}[31m\n" in events[0]
    piped = process(
        *("policies", "preview", "policies.toml", "--agency", "rural", "--event", "-"),
        stdin=json.dumps(schedule(upsert("5"), agency="rural")).encode(),
    )
    assert "shift 5 of ops-2026-12" in piped.out


def test_a_file_without_a_shift(shiftcal: Shell, toml: Toml, jsonl: Jsonl) -> None:
    """That is told, and so is a bad line."""
    show = ("policies", "preview", toml(GOOD), "--agency", "metro-ems", "--event")
    ended = shiftcal(*show, jsonl(schedule(upsert(), agency="rural")))
    assert (ended.status, "no schedule-changed message of metro-ems" in ended.complaint) == (1, True)
    ended = shiftcal(*show, jsonl(schedule(upsert()), schedule(upsert(start=1))))
    assert (ended.status, "file.jsonl:2: changes.0.shift.start" in ended.complaint) == (1, True)
