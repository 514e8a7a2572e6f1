"""What the log shows of a crash."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Literal
from uuid import uuid4

import pytest

from streams.logs import configure
from streams.settings import Settings


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level


def test_the_database_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """Its driver would quote rows, with their people and addresses; it is kept to warnings."""
    configure(Settings.model_construct(log_format="json", log_level="DEBUG"))
    driver = logging.getLogger("aiosqlite")
    level = driver.level
    driver.debug("executing %s", ("INSERT", "ann@example.com"))
    assert level == logging.WARNING
    assert "ann@example.com" not in capsys.readouterr().err


def _crash(token: str) -> None:
    raise ValueError(len(token))


@pytest.mark.parametrize("shape", ["json", "console"])
def test_a_traceback(shape: Literal["json", "console"], capsys: pytest.CaptureFixture[str]) -> None:
    """It names the place, and shows no local variable: those hold tokens and schedules."""
    configure(Settings.model_construct(log_format=shape, log_level="INFO"))
    token = uuid4().hex
    try:
        _crash(token)
    except ValueError:
        logging.getLogger("crash").exception("it broke")
    told = capsys.readouterr().err
    assert "_crash" in told
    assert token not in told
