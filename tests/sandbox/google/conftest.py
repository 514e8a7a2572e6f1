"""A running stand-in and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import Client

ANNA = "anna@metro.example"
BEN = "ben@metro.example"


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def anna(standin: StandIn, session: aiohttp.ClientSession) -> Client:
    return Client(session, standin.url, standin.connect(ANNA).access_token)


@pytest.fixture
def ben(standin: StandIn, session: aiohttp.ClientSession) -> Client:
    return Client(session, standin.url, standin.connect(BEN).access_token)
