"""The help: every verb teaches itself."""

from __future__ import annotations

import pytest

from tests.ops.conftest import Shell

VERBS = [
    "worker",
    "demo",
    "portal",
    "portal link",
    "topics create",
    "topics check",
    "topics raise-format",
    "validate",
    "policies check",
    "policies preview",
    "produce",
    "connections import",
    "connections list",
    "resync",
    "disconnect",
    "status",
    "explain",
    "plan",
    "doctor",
    "release",
    "replay",
    "forget",
    "vault rotate",
    "secrets create",
    "dead-letters list",
    "dead-letters show",
    "dead-letters redrive",
]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb(shiftcal: Shell, verb: str) -> None:
    """It has an example, and says what is read and what is written."""
    ended = shiftcal(*verb.split(), "--help")
    assert ended.status == 0
    assert "Example" in ended.out
    assert f"shiftcal {verb}" in " ".join(ended.out.split())
    assert "Reads:" in ended.out
    assert "Writes:" in ended.out


def test_the_help_of_the_command(process: Shell) -> None:
    """Every verb stands in it, with or without being asked for."""
    asked = process("--help")
    assert asked.status == 0
    assert process() == asked
    assert all(verb.split()[0] in asked.out for verb in VERBS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["topics"], "Missing command"),
        (["validate"], "Missing argument 'FILE'"),
        (["validate", "--nonsense", "x"], "No such option"),
        (["resync", "a/b"], "without slashes"),
        (["disconnect", "metro-ems"], "Missing argument 'USER'"),
        (["release", "metro-ems"], "either --calendar or --user"),
        (["release", "metro-ems", "--user", "u-17", "--calendar", "ops"], "either --calendar or --user"),
        (["release", "metro-ems", "--user", "a/b"], "without slashes"),
        (["release"], "Missing argument 'AGENCY'"),
        (["explain", "metro-ems", "u-17"], "Missing argument 'SHIFT'"),
        (["explain", "metro-ems", "u-17", "a/b"], "without slashes"),
        (["status", "a/b"], "without slashes"),
        (["plan"], "Missing argument 'AGENCY'"),
        (["plan", "metro-ems", "--limit", "0"], "Invalid value for '--limit'"),
        (["doctor", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["replay", "nonsense"], "none of schedule-changed"),
        (["replay", "schedule-changed", "--from", "yesterday"], "2026-12-02T07:00:00Z"),
        (["replay", "schedule-changed", "--from", "2026-12-02T07:00:00"], "2026-12-02T07:00:00Z"),
        (["dead-letters", "show", "17"], "PARTITION:OFFSET"),
        (["dead-letters", "redrive"], "either numbers, or --all"),
        (["dead-letters", "redrive", "0:1", "--all"], "either numbers, or --all"),
        (["dead-letters", "redrive", "0:1", "0:2", "--value", "x"], "exactly one number"),
        (["dead-letters", "redrive", "0:1", "--reason", "x"], "go with --all"),
    ],
)
def test_wrong_use(shiftcal: Shell, arguments: list[str], said: str) -> None:
    """One line that says what is wrong and where help is, and status 2."""
    ended = shiftcal(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.complaint
    assert "--help" in ended.complaint
