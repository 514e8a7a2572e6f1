"""The stand-in and the client over it, for tests over HTTP; every request must be one that Google documents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gcal.client import GoogleCalendar
from sandbox.google import StandIn
from tests.gcal.world import client_of


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as running:
        yield running
        assert running.journal.violations == []


@pytest.fixture
async def client(standin: StandIn) -> AsyncIterator[GoogleCalendar]:
    async with client_of(standin) as made:
        yield made
