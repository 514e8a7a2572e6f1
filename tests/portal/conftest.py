"""A portal of the test's own, the stand-in as Google, and somebody's browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.google import StandIn
from streams.settings import Settings
from tests.portal.world import Browser, World, world_of


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHIFTCAL_{name.upper()}", raising=False)


@pytest.fixture
async def google() -> AsyncIterator[StandIn]:
    """Google; every request must be one that it documents."""
    async with StandIn() as standin:
        yield standin
        assert standin.journal.violations == []


@pytest.fixture
async def world(google: StandIn, tmp_path: Path) -> AsyncIterator[World]:
    """A portal at an address without TLS."""
    async with world_of(google, tmp_path) as made:
        yield made


@pytest.fixture
async def ann(world: World) -> AsyncIterator[Browser]:
    """Ann's browser; she is not in yet."""
    async with world.browser() as browser:
        yield browser


@pytest.fixture
async def connected(ann: Browser) -> Browser:
    """Ann is connected."""
    await ann.enter()
    await ann.connect()
    return ann
