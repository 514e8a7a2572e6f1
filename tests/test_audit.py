"""The audit of dependencies: what is known stops the check, and what was not asked is never called clean."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "audit.py"
CLEAN: dict[str, object] = {"name": "attrs", "version": "26.1", "vulns": []}
UNKNOWN: dict[str, object] = {"name": "ours", "skip_reason": "Dependency not found and could not be audited"}
HOLE: dict[str, object] = {
    "name": "jinja2",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"], "aliases": [], "description": "d"}],
}


def audit(tmp_path: Path, out: str, err: str = "", status: int = 0) -> tuple[int, str]:
    """Run the script on a pip-audit that says this."""
    (tmp_path / "out").write_text(out)
    (tmp_path / "err").write_text(err)
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!/bin/sh\ncat {tmp_path}/out; cat {tmp_path}/err >&2; exit {status}\n")
    fake.chmod(0o755)
    done = subprocess.run(
        [sys.executable, SCRIPT, fake, "some.lock"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def found(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_nothing_known(tmp_path: Path) -> None:
    """One line says how many were asked for."""
    assert audit(tmp_path, found(CLEAN, CLEAN)) == (
        0,
        "audit: 2 of 2 packages of some.lock audited, 0 known vulnerabilities\n",
    )


def test_a_known_vulnerability(tmp_path: Path) -> None:
    """The check fails, and says which and since when it is mended."""
    status, said = audit(tmp_path, found(CLEAN, HOLE), status=1)
    assert status == 1
    assert "jinja2 2.0 has PYSEC-1; fixed in: 3.1.6" in said


def test_packages_that_the_database_does_not_know(tmp_path: Path) -> None:
    """They are named, and do not count as audited."""
    status, said = audit(tmp_path, found(CLEAN, UNKNOWN))
    assert status == 0
    assert "1 packages could not be audited: ours" in said
    assert "1 of 2 packages" in said


@pytest.mark.parametrize(
    ("out", "err", "status"),
    [
        (found(UNKNOWN, UNKNOWN), "No known vulnerabilities found", 0),
        ("", "ERROR:pip_audit._cli:could not connect to the service", 1),
        ("<html>", "", 1),
        ("[]", "", 0),
    ],
)
def test_a_database_that_cannot_be_reached(tmp_path: Path, out: str, err: str, status: int) -> None:
    """One line says that nothing was audited, and why; pip-audit's own status says nothing here."""
    ended, said = audit(tmp_path, out, err, status)
    assert ended == 0
    assert said.startswith("audit: SKIPPED, nothing of some.lock was audited: ")
    assert len(said.splitlines()) == 1


def test_no_pip_audit(tmp_path: Path) -> None:
    """It is skipped as loudly."""
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "nowhere", "some.lock"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout[:14]) == (0, "audit: SKIPPED")
