"""A Docker engine with Compose, and one project on it: brought up, disturbed, torn down.

In: commands. Out: what they said, or `EngineFailed` with their last words. Not here: what is expected of the project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

from tests.deploy.compose_files import ROOT

PROJECT: Final = "shiftcal-test"
_LATE_S: Final = 900


class EngineFailed(RuntimeError):
    """There is no engine, or a command failed."""


class Engine:
    """One Compose file, as a project of its own."""

    def __init__(self, file: str) -> None:
        self._compose = [*_compose(), "--project-name", PROJECT, "--file", file]

    def compose(self, *arguments: str) -> str:
        """Run a command of Compose."""
        return _run([*self._compose, *arguments])

    def docker(self, verb: str, service: str, *options: str) -> str:
        """Run a command of the engine on a service's container."""
        return _run(["docker", verb, *options, self.container(service)])

    def container(self, service: str) -> str:
        """The id of a service's container, which may have ended."""
        filters = [
            f"label=com.docker.compose.{name}" for name in (f"service={service}", f"project={PROJECT}")
        ]
        chosen = [word for each in filters for word in ("--filter", each)]
        found = _run(["docker", "ps", "--all", "--quiet", *chosen]).split()
        if len(found) != 1:
            raise EngineFailed(f"{service} has {len(found)} containers instead of one")
        return found[0]

    def exit_status(self, service: str) -> int:
        """Wait until a service's container has ended."""
        return int(self.docker("wait", service))


def _compose() -> list[str]:
    """Compose 2 where it is, else docker-compose; refuse to go on without an engine."""
    if shutil.which("docker") is None:
        raise EngineFailed("there is no `docker` here: this needs a Docker engine with Compose")
    if subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode:
        raise EngineFailed("no Docker engine answers: start one, or point DOCKER_HOST at it")
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose") is None:
        raise EngineFailed("neither `docker compose` nor `docker-compose` is here: install one of them")
    return ["docker-compose"]


def _run(command: list[str]) -> str:
    # Settings of whoever calls would reach the containers.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHIFTCAL_")}
    done = subprocess.run(
        command, cwd=ROOT, env=inherited, capture_output=True, text=True, timeout=_LATE_S, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2_000:]
        raise EngineFailed(f"`{' '.join(command)}` ended with {done.returncode}: {said}")
    return done.stdout
