"""A stage of the bench on the tests' Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.stage import Stage, open_stage
from tests.kafka import Kafka


@pytest.fixture
async def stage(kafka: Kafka) -> AsyncIterator[Stage]:
    if kafka.unproven:
        pytest.skip("the bench needs topics that are created: a real Kafka")
    async with open_stage(kafka.bootstrap) as opened:
        yield opened
