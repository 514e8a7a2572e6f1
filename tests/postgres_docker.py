"""A real PostgreSQL in a container, for machines with a Docker engine and without PostgreSQL.

In: an engine that answers. Out: a server. Not here: the choice between this and the other kinds.
"""

from __future__ import annotations

import secrets
import time
from typing import Final

from sqlalchemy.exc import DBAPIError
from testcontainers.core.container import DockerContainer

from tests import postgres

IMAGE: Final = "postgres:17-alpine"


class DockerPostgres:
    """One server in a container of its own; every method blocks."""

    def __init__(self) -> None:
        """Start the container and wait until PostgreSQL answers."""
        password = secrets.token_urlsafe()
        self.name = f"PostgreSQL ({IMAGE})"
        self._container = (
            DockerContainer(IMAGE)
            .with_exposed_ports(5432)
            .with_env("POSTGRES_USER", "shiftcal")
            .with_env("POSTGRES_PASSWORD", password)
        )
        try:
            self._container.start()
            host, port = (
                self._container.get_container_host_ip(),
                self._container.get_exposed_port(5432),
            )
            self.url = f"postgresql+asyncpg://shiftcal:{password}@{host}:{port}/postgres"
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the container and its data."""
        self._container.stop()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 90
        while True:
            try:
                postgres.statement(self.url, "SELECT 1")
            except (OSError, DBAPIError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return
