"""A deployment for each drill, and the table of times at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.drill.stage import Drill, deployed
from tests.drill.watch import Times
from tests.kafka import Kafka

NewDrill = Callable[..., Drill]


@pytest.fixture
def new_drill(kafka: Kafka, tmp_path: Path) -> Iterator[NewDrill]:
    """A deployment for this drill alone."""
    with ExitStack() as stack:
        yield lambda *options, **settings: stack.enter_context(
            deployed(kafka, tmp_path, *options, **settings)
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how long each alert took, and what else was measured."""
    told = [
        (name, str(value))
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
    ]
    for name, value in told:
        terminalreporter.write_line(
            Times(**json.loads(value)).row() if name == "drill" else f"{name}: {value}"
        )
