"""A real Prometheus as a child process, with the deployment's own rules, asked over its HTTP API.

In: a directory, the workers' ports. Out: what an expression gives now, and how an alert stands. Not here: alerts by name.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import yaml

from tests.e2e.waiting import eventually
from tests.e2e.world import free_port

RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yml"
PROGRAM: Final = shutil.which("prometheus")


class Prometheus:
    """Scrapes and evaluates every second, so that what is measured is the product and not the pace of looking."""

    def __init__(self, home: Path) -> None:
        if PROGRAM is None:
            pytest.skip("drills need a Prometheus (Debian: prometheus)")
        self._home = home
        home.mkdir()
        self.targets([])
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {"job_name": "shiftcal-worker", "file_sd_configs": [{"files": [str(home / "targets.json")]}]}
            ],
        }
        (home / "prometheus.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (home / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    f"--config.file={home}/prometheus.yml",
                    f"--storage.tsdb.path={home}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        assert eventually(self._is_ready, bool), (home / "prometheus.log").read_text()[-2_000:]

    def targets(self, ports: Iterable[int]) -> None:
        """Scrape the workers at these ports from now on."""
        groups = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
        written = self._home / "targets.new"
        written.write_text(json.dumps(groups))
        written.rename(self._home / "targets.json")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now: samples, each with its labels."""
        return list(self._ask("query", query=expression)["result"])

    def number(self, expression: str) -> float:
        """The sum of what an expression gives now."""
        return sum(float(sample["value"][1]) for sample in self.query(expression))

    def state(self, alert: str) -> str:
        """`inactive`, `pending` or `firing`."""
        found = {
            rule["name"]: str(rule["state"])
            for group in self._ask("rules", type="alert")["groups"]
            for rule in group["rules"]
        }
        return found[alert]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=20)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _ask(self, route: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{route}?{urlencode(query)}", timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())["data"]
