"""`validate`: the worker's judgement, offline."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.ops.conftest import ROOT, Jsonl, Shell
from tests.ops.messages import command, delete, envelope, published, schedule, upsert
from tests.planning.wrapped import binary, data, structured, texts

EVENT = command()["value"]


def test_a_good_file(process: Shell, jsonl: Jsonl) -> None:
    """Told with its counts; blank lines and a byte order mark are no messages."""
    file = jsonl("\ufeff" + json.dumps(schedule(upsert(), delete("1"))), "", published(), schedule())
    ended = process("validate", file)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "file.jsonl: 3 good (schedule-changed 2, calendar-published 1), 0 bad\n"


def test_standard_input(process: Shell) -> None:
    """A dash reads what comes through a pipe."""
    ended = process("validate", "-", stdin=json.dumps(published()).encode())
    assert (ended.status, ended.out) == (0, "standard input: 1 good (calendar-published 1), 0 bad\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "file.jsonl:2: not UTF-8 JSON"),
        ("[]", "file.jsonl:2: the line: expected an object"),
        ({"value": {}}, "file.jsonl:2: topic: expected one of schedule-changed"),
        ({"topic": ["x"], "value": {}}, "file.jsonl:2: topic: expected one of schedule-changed"),
        ({"topic": "sync-results", "value": {}}, 'came "sync-results"'),
        ({"topic": "schedule-changed"}, "file.jsonl:2: value: expected the message"),
        ({"topic": "schedule-changed", "value": None}, "null"),
        (
            {"topic": "schedule-changed", "headers": ["ce_id", "1"], "value": {}},
            "headers: expected an object",
        ),
        ({"topic": "schedule-changed", "headers": {"ce_id": 1}, "value": {}}, "headers: expected an object"),
        (
            json.dumps({"topic": "schedule-changed", "headers": {"x": "\ud83d"}, "value": {}}),
            "headers: expected an object",
        ),
        ({"topic": "sync-commands", "value": structured(EVENT, id=...)}, "2: id: expected a value"),
        (
            {"topic": "sync-commands", "headers": texts(binary(EVENT, time="noon")), "value": data(EVENT)},
            "2: ce_time: expected a time",
        ),
        ({"topic": "schedule-changed", "value": envelope()}, "calendar_id: expected"),
        (schedule(upsert(), upsert(version="7")), "changes.1.shift.version: expected"),  # type: ignore[arg-type]
        (
            schedule(upsert(end="2026-12-01T07:00:00-05:00")),
            "changes.0.shift: expected an end after its start",
        ),
    ],
)
def test_a_bad_line(shiftcal: Shell, jsonl: Jsonl, line: object, said: str) -> None:
    """File, line, field and what was expected; status 1."""
    ended = shiftcal("validate", jsonl(published(), line))
    assert ended.status == 1
    assert ended.complaint.startswith("file.jsonl:2: ")
    assert said in ended.complaint
    assert "1 good" in ended.out


def test_cloudevents(shiftcal: Shell, jsonl: Jsonl) -> None:
    """Both modes are read as the worker reads them, beside plain messages."""
    lines = (
        {"topic": "sync-commands", "value": structured(EVENT)},
        {"topic": "sync-commands", "headers": texts(binary(EVENT)), "value": data(EVENT)},
        {"topic": "sync-commands", "headers": {}, "value": EVENT},
    )
    ended = shiftcal("validate", jsonl(*lines))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "file.jsonl: 3 good (sync-commands 3), 0 bad\n"


def test_several_files(shiftcal: Shell, jsonl: Jsonl) -> None:
    """Each is told by its name; one bad line in any of them is a failure."""
    files = [jsonl(published(), name="a.jsonl"), jsonl("{", name="b.jsonl"), jsonl(command(), name="c.jsonl")]
    ended = shiftcal("validate", *files)
    assert ended.status == 1
    assert ended.complaint.startswith("b.jsonl:1: not UTF-8 JSON")
    assert [line.split(": ")[0] for line in ended.out.splitlines()] == files
    assert shiftcal("validate", files[0], files[2]).status == 0
    documents = shiftcal("validate", "--json", *files).out.replace("}\n{", "}\n\0{").split("\0")
    assert [json.loads(one)["bad"] for one in documents] == [0, 1, 0]


def test_the_hook(jsonl: Jsonl, tmp_path: Path) -> None:
    """What pre-commit would run, with the files that it would give it: silent only where all is good."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["language"] == "python"  # pre-commit installs the repository, whose script is the entry
    command_, *arguments = shlex.split(hook["entry"])
    assert command_ in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    good, bad = (
        jsonl(published(), name="good.jsonl"),
        jsonl(published(), schedule(upsert(end=1)), name="bad.jsonl"),
    )
    assert [name for name in (good, bad, "README.md", "x.json") if re.search(hook["files"], name)] == [
        good,
        bad,
    ]
    program = Path(sys.executable).parent / command_

    def run(*files: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [program, *arguments, *files],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run(good).returncode == 0
    ended = run(good, bad)
    assert ended.returncode == 1
    assert ended.stderr.startswith("bad.jsonl:2: changes.0.shift.end: expected")


def test_several_bad_changes_in_a_line(shiftcal: Shell, jsonl: Jsonl) -> None:
    """Each is told."""
    ended = shiftcal("validate", jsonl(schedule(upsert(start=1), upsert(), upsert(user=""))))
    assert ended.status == 1
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == [
        "changes.0.shift.start",
        "changes.2.shift.user_id",
    ]


def test_half_an_emoji(shiftcal: Shell, jsonl: Jsonl) -> None:
    """It spoils its own text, which is named."""
    ended = shiftcal("validate", jsonl(schedule(upsert(), upsert(title="\ud83d"))))
    assert "changes.1.shift.title" in ended.complaint


def test_a_command_from_the_future(shiftcal: Shell, jsonl: Jsonl) -> None:
    """Offline nobody knows the broker's clock."""
    assert shiftcal("validate", jsonl(command(at="2999-01-01T00:00:00Z"))).status == 0


def test_a_shift_in_two_calendars(shiftcal: Shell, jsonl: Jsonl) -> None:
    """A warning with both lines, and status 0."""
    ended = shiftcal(
        "validate", jsonl(schedule(upsert("s")), schedule(upsert("s"), upsert("t"), calendar="next"))
    )
    assert ended.status == 0
    assert ended.complaint.startswith(
        "file.jsonl:2: warning: shift s of agency metro-ems lives in 2 calendars"
    )
    assert "ops-2026-12 (line 1) and next (line 2)" in ended.complaint


@pytest.mark.parametrize(
    "lines",
    [
        [schedule(upsert("s", 1)), schedule(delete("s", 2)), schedule(upsert("s", 1), calendar="next")],
        [schedule(delete("s", 2)), schedule(upsert("s", 1), calendar="next"), schedule(upsert("s", 1))],
        [schedule(upsert("s", 2)), schedule(upsert("s"), calendar="next"), schedule(delete("s", 2))],
        [schedule(upsert("s")), schedule(upsert("s"), agency="another", calendar="next")],
        [schedule(upsert("s")), schedule(upsert("s", 2))],
    ],
)
def test_a_shift_in_one_calendar(shiftcal: Shell, jsonl: Jsonl, lines: list[object]) -> None:
    """Deleted in the one it left, in whatever order; or another agency's; or the same calendar."""
    ended = shiftcal("validate", jsonl(*lines))
    assert (ended.status, ended.err) == (0, "")


def test_for_a_script(shiftcal: Shell, jsonl: Jsonl) -> None:
    """One document with findings and sums, nothing on standard error."""
    file = jsonl(schedule(upsert(end=1)), "{", schedule(upsert("s")), schedule(upsert("s"), calendar="next"))
    ended = shiftcal("validate", file, "--json")
    assert (ended.status, ended.err) == (1, "")
    found = ended.json
    assert (found["file"], found["good"], found["bad"]) == ("file.jsonl", 2, 2)
    assert [
        (each["severity"], each["line"], each["field"], each["reason"]) for each in found["findings"]
    ] == [
        ("error", 1, "changes.0.shift.end", "bad_change"),
        ("error", 2, None, "not_json"),
        ("warning", 4, None, "two_calendars"),
    ]


def test_for_a_script_without_findings(shiftcal: Shell, jsonl: Jsonl) -> None:
    """An empty file is a good one."""
    found = shiftcal("validate", jsonl(), "--json").json
    assert found == {"file": "file.jsonl", "findings": [], "good": 0, "bad": 0, "topics": {}}
