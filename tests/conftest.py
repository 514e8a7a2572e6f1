"""What every test may ask for: a Kafka, a topic prefix of its own, a PostgreSQL, and how hard Hypothesis tries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka import Kafka, start_kafka
from tests.kafka_java import JavaKafka, available
from tests.postgres import NOT_PROVEN, Postgres, start_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# No deadline: two shared cores make any single example slow now and then, and that says nothing about the code.
settings.register_profile("dev", max_examples=200, deadline=None)
settings.register_profile("ci", max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

#: Files of few tests that take minutes: begun last, each would be all that still runs. Then whole deployments.
_FIRST = (
    "tests/streams/test_runtime_",
    "tests/planning/test_convergence",
    "tests/upgrade/",
    "tests/e2e/",
    "tests/chaos/",
)

_used = pytest.StashKey[Kafka]()
_databases = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[Kafka]:
    """The run's Kafka: shared, so each test keeps to topics under its own `prefix`."""
    broker = start_kafka()
    pytestconfig.stash[_used] = broker
    yield broker
    broker.close()


@pytest.fixture
def own_kafka() -> Iterator[Kafka]:
    """A Kafka for this test alone, to be frozen and killed without harm to the others."""
    if not available():
        pytest.skip("a broker of the test's own needs Java and Maven")
    broker = JavaKafka()
    yield broker
    broker.close()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """The run's PostgreSQL: shared, so each test asks it for a database of its own."""
    server = start_postgres()
    pytestconfig.stash[_databases] = NOT_PROVEN if server is None else server.name
    if server is None:
        pytest.skip(NOT_PROVEN)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/vault.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as address:
        yield address


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test has."""
    return f"t{uuid4().hex[:10]}-"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; each file's tests keep their order."""
    items.sort(
        key=lambda item: next(
            (n for n, path in enumerate(_FIRST) if item.nodeid.startswith(path)), len(_FIRST)
        )
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which Kafka and which PostgreSQL the run used, and what that leaves unproven."""
    if broker := config.stash.get(_used, None):
        terminalreporter.write_line(f"Kafka: {broker.name}. {broker.unproven or ''}".rstrip())
    if database := config.stash.get(_databases, None):
        terminalreporter.write_line(f"Database: {database}")
