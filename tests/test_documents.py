"""Documents tell the truth: every command, setting, file, function and test that they name is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from ops.main import app
from schemas.explanations import Code
from schemas.policy import Policy
from schemas.preferences import COLOUR_IDS
from streams.metrics import Metrics
from streams.policies import load_policies
from streams.settings import PREFIX, SECRETS_DIR, Settings
from tests import documents
from tests.documents import PAGES, ROOT, Command

SETTINGS = {SECRETS_DIR, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
TEST_SETTINGS = re.compile(rf"{PREFIX}TEST_[A-Z_]+")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def mistake(command: Command) -> str | None:
    """What the command line would say of it."""
    verb: Any = get_command(app)
    words = list(command.words)
    while hasattr(verb, "commands") and words and not words[0].startswith("-"):
        if words[0].isupper():  # any of them
            return None
        if words[0] not in verb.commands:
            return f"there is no {words[0]}"
        verb = verb.commands[words.pop(0)]
    known = {name for option in verb.params for name in option.opts} | {"--help", "--version", "-h"}
    if unknown := [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]:
        return f"there is no option {unknown[0]}"
    if not command.whole or "--help" in words:
        return None
    if hasattr(verb, "commands"):
        return None if verb.invoke_without_command else "a verb is missing"
    parsed, left, _ = verb.make_parser(verb.make_context("shiftcal", [], resilient_parsing=True)).parse_args(
        words
    )
    needed = [one.name for one in verb.params if one.required and parsed.get(one.name) in {None, ()}]
    return f"needs {needed[0]}" if needed else f"does not take {left[0]}" if left else None


@each_page
def test_every_command(page: Path) -> None:
    """Verbs and options exist, and a line that is to be typed is complete."""
    found = list(documents.commands(page.read_text(), "shiftcal"))
    assert [(one.words, wrong) for one in found if (wrong := mistake(one))] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("$ shiftcal explode", "there is no explode"),
        ("$ A=1 shiftcal worker --shadowy", "there is no option --shadowy"),
        ("$ shiftcal topics check && shiftcal dead-letters lost", "there is no lost"),
        ("$ shiftcal explain metro-ems u-17", "needs shift"),
        ("$ shiftcal worker now &", "does not take now"),
        ("$ shiftcal vault", "a verb is missing"),
    ],
)
def test_a_command_that_is_wrong(line: str, wrong: str) -> None:
    """It is found wherever it stands in a line."""
    said = [mistake(one) for one in documents.commands(f"```console\n{line}\n```\n", "shiftcal")]
    assert said[-1] == wrong


def test_what_is_looked_at() -> None:
    """Pages as they are have something of each kind, so that a change of how they are written is noticed."""
    text = (ROOT / "docs" / "operate.md").read_text()
    assert len([one for one in documents.commands(text, "shiftcal") if one.whole]) > 25
    assert len(list(documents.functions((ROOT / "docs" / "follow-one-event.md").read_text()))) > 30
    assert len(documents.files((ROOT / "docs" / "architecture.md").read_text())) > 20


@each_page
def test_every_target_of_make(page: Path) -> None:
    """The Makefile has it."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {one.words[0] for one in documents.commands(page.read_text(), "make") if one.words}
    assert named <= targets


@each_page
def test_every_setting(page: Path) -> None:
    """A setting of the program, or one of the tests that they read."""
    named = documents.settings(page.read_text())
    known = SETTINGS | {one for file in _sources() for one in TEST_SETTINGS.findall(file.read_text())}
    assert [one for one in named if not _stands_for_some(one, known)] == []


def _sources() -> list[Path]:
    return [*(ROOT / "tests").rglob("*.py"), ROOT / ".ci" / "run"]


def _stands_for_some(name: str, known: set[str]) -> bool:
    if name.endswith(("*", "_")):
        return any(one.startswith(name.rstrip("*")) for one in known)
    return name in known


@each_page
def test_every_file(page: Path) -> None:
    """Paths in code, links and pictures lead to something."""
    text = page.read_text()
    assert [one for one in documents.files(text) if not (ROOT / one).exists()] == []
    assert [one for one in documents.links(text) if not (page.parent / one).exists()] == []


@each_page
def test_every_metric_and_alert(page: Path) -> None:
    """A worker exports it; the rules have it."""
    exported = Metrics().page().decode()
    # Settings have names of this form, too, as files in a directory of secrets.
    secrets = {f"{PREFIX}{name}".lower() for name in Settings.model_fields}
    named = set(re.findall(r"\bshiftcal_[a-z_]+", page.read_text())) - secrets
    assert [one for one in named if not re.search(rf"^(# TYPE )?{one}\b", exported, re.MULTILINE)] == []
    alerts = re.findall(r"alert: (\w+)", (ROOT / "deploy" / "prometheus" / "rules.yml").read_text())
    assert {one for one in documents.spans(page.read_text()) if re.fullmatch(r"Shiftcal[A-Z]\w+", one)} <= {
        *alerts
    }


@each_page
def test_every_function_and_test(page: Path) -> None:
    """`file.py::name` is defined there."""
    for file, name in documents.functions(page.read_text()):
        assert re.search(rf"^ *(async )?(def|class) {name}\b", (ROOT / file).read_text(), re.MULTILINE), (
            file,
            name,
        )


@pytest.mark.parametrize("document", ["docs/security.md", "docs/reliability.md"])
def test_promises_are_shown(document: str) -> None:
    """These two stand on tests."""
    named = [name for _, name in documents.functions((ROOT / document).read_text())]
    assert len([name for name in named if name.startswith("test_")]) > 10


def test_every_policy(tmp_path: Path) -> None:
    """Each is told, with every colour; the example is a good file."""
    text = (ROOT / "docs" / "policies.md").read_text()
    assert all(f"`{name}`" in text for name in (*Policy.model_fields, *COLOUR_IDS))
    file = tmp_path / "policies.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0])
    assert set(load_policies(file).agencies) == {"metro-ems", "county"}


@pytest.mark.parametrize("code", get_args(Code))
def test_every_reason_of_an_explanation(code: str) -> None:
    """The page for operators says what each means."""
    rows = [line for line in (ROOT / "docs/answers.md").read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{code}`" in row for row in rows)
