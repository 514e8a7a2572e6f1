"""The page that teaches the first event is right: every snippet runs as it stands there, in its order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planning.intake import Source, read
from schemas.facts import ResyncAsked
from tests.e2e.google import ROOT
from tests.e2e.world import Agency, User, World

PAGE = (ROOT / "docs" / "first-event.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))
RUN_BY = {".sh": ["sh", "-e"], ".py": [sys.executable, "-W", "error"]}


@pytest.fixture(scope="module")
def user(shared: World) -> User:
    """The one of whom the page speaks."""
    [found] = Agency(shared, "metro-ems", "u-17").users
    shared.connect(found)
    return found


def run(world: World, home: Path, name: str) -> str:
    """What a snippet prints, written to a file of its name and run there by what a reader would run it with."""
    (home / name).write_text(SNIPPETS[name])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*RUN_BY[Path(name).suffix], name],
        cwd=home,
        env=world.settings | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_snippet(world: World, user: User, tmp_path: Path) -> None:
    """Each puts its shift into the calendar, and the last one tells of all of them."""
    assert list(SNIPPETS) == ["first.sh", "first.py", "first_cloudevents.py", "watch.py"]
    told = run(world, tmp_path, "first.sh")
    assert "first.jsonl: 2 good (calendar-published 1, schedule-changed 1), 0 bad\nsent 2 messages" in told
    user.shows("Medic 12 Day")
    assert run(world, tmp_path, "first.py") == ""
    user.shows("Medic 12 Day", "Medic 12 Night")
    assert run(world, tmp_path, "first_cloudevents.py") == ""
    user.shows("Engine 3 Day", "Engine 3 Night", "Medic 12 Day", "Medic 12 Night")
    world.settle()
    lines = sorted(line.split(" ", 2) for line in run(world, tmp_path, "watch.py").splitlines())
    assert [line[:2] for line in lines] == [[f"4821{n}", "inserted"] for n in (3, 4, 5, 6)]
    assert world.letters("metro-ems") == []


def test_the_line_for_kcat() -> None:
    """What it would send is a command that a worker takes."""
    [block] = [
        one for one in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "kcat" in one
    ]
    now = datetime.now(UTC)
    words = shlex.split(block.replace("$(date -u +%Y-%m-%dT%H:%M:%SZ)", f"{now:%Y-%m-%dT%H:%M:%SZ}"))
    value, topic = words[words.index("echo") + 1], words[words.index("-t") + 1]
    said = [words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "-H"]
    headers = tuple((name, text.encode()) for name, text in said)
    found = read(Source(topic, topic, 0, 0, now, None, value.encode(), headers))
    assert (len(found.user_facts), found.letters) == (1, ())
    assert isinstance(found.user_facts[0], ResyncAsked)


def test_the_hook_on_the_page() -> None:
    """It is the one that the repository offers."""
    assert "- id: shiftcal-validate\n" in (ROOT / ".pre-commit-hooks.yaml").read_text()
    assert "- id: shiftcal-validate\n" in PAGE
