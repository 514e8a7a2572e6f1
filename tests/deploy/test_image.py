"""What the image says of itself fits the code: its settings are settings, its rooms are all rooms, and nothing else goes in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from streams.settings import PREFIX, SECRETS_DIR, Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().split()


def test_settings_that_it_gives() -> None:
    """Each is one that there is, and its value is taken."""
    given = dict(re.findall(rf"\b({PREFIX}\w+)=(\S+)", DOCKERFILE.partition("HEALTHCHECK")[0]))
    assert given
    assert set(given) - {SECRETS_DIR} <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    values = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    settings = Settings(_env_file=None, **values)
    exposed = {int(port) for port in re.search(r"^EXPOSE (.*)$", DOCKERFILE, re.MULTILINE)[1].split()}  # type: ignore[index]
    assert exposed == {settings.http_port, settings.portal_port}


def test_rooms_that_go_in() -> None:
    """Those of the wheel, its description and its licence: no `.env`, no database, no test."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert IGNORED[IGNORED.index("*") :][0] == "*"
    allowed = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert allowed == {*rooms, "pyproject.toml", "requirements.lock", "README.md", "LICENSE"}


def test_signals_reach_the_worker() -> None:
    """Commands are lists: a shell in between would keep SIGTERM to itself."""
    for word in ("ENTRYPOINT", "CMD"):
        lines = re.findall(rf"^(?:\s*){word} (.*)$", DOCKERFILE, re.MULTILINE)
        assert lines
        assert all(line.startswith("[") for line in lines)
    assert "USER shiftcal" in DOCKERFILE
