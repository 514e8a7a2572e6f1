"""A Kafka, a vault, and a projector where one is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.google import StandIn
from streams.settings import Settings
from tests.kafka import Kafka
from tests.portal.operators.office import Office, opened
from tests.portal.operators.world import World, open_world


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHIFTCAL_{name.upper()}", raising=False)


@pytest.fixture
async def world(kafka: Kafka, prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    """Topics of the test's own, an empty vault."""
    async with open_world(kafka, prefix, tmp_path) as world:
        yield world


@pytest.fixture
async def office(google: StandIn, kafka: Kafka, prefix: str, tmp_path: Path) -> AsyncIterator[Office]:
    """A portal on a real Kafka; an operator is in."""
    async with opened(google, kafka, prefix, tmp_path) as office:
        answer = await office.enter()
        assert (answer.status, answer.url) == (200, f"{office.world.url}/operators")
        yield office


@pytest.fixture
async def deaf(google: StandIn, tmp_path: Path) -> AsyncIterator[Office]:
    """A portal whose Kafka is away; an operator is in."""
    async with opened(google, "127.0.0.1:1", "", tmp_path) as office:
        await office.enter()
        yield office
