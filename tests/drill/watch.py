"""One alert, from quiet over broken and repaired to quiet again, and the seconds in between.

In: a Prometheus, the alert's name. Out: a `Times` once it is over. Not here: what is broken, and how it is repaired.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from tests.drill.prometheus import RULES, Prometheus
from tests.e2e.waiting import POLL_S, eventually

#: A repair is one if the expression stays false for so long, in seconds.
STAYS_S = 5.0

Record = Callable[[str, object], None]


@dataclass
class Times:
    """Seconds: from the break until the expression was true, and until the alert fired; from the repair until it was false."""

    alert: str
    how: str
    true_s: float = 0.0
    firing_s: float | None = None
    false_s: float = 0.0

    def row(self) -> str:
        """As a row of the runbook's table."""
        firing = "" if self.firing_s is None else f"{self.firing_s:.0f} s"
        return f"| {self.alert} | {self.how} | {self.true_s:.0f} s | {firing} | {self.false_s:.0f} s |"


class Watch:
    """Watches one alert."""

    def __init__(self, prometheus: Prometheus, alert: str, how: str) -> None:
        (group,) = yaml.safe_load(RULES.read_text())["groups"]
        self._expression = next(str(rule["expr"]) for rule in group["rules"] if rule.get("alert") == alert)
        self._prometheus = prometheus
        self.times = Times(alert, how)
        self._at = 0.0

    def quiet(self) -> None:
        """Before anything is broken."""
        assert eventually(self.samples, lambda found: not found) == []
        assert eventually(self.state, lambda state: state == "inactive") == "inactive"

    def broken(self) -> None:
        """From this moment."""
        self.quiet()
        self._at = time.monotonic()

    def turns_true(self, within: float = 60) -> list[dict[str, Any]]:
        """Wait until the expression is true, and the alert waits or fires; what it gives."""
        found = eventually(self.samples, bool, seconds=within)
        assert found, f"{self.times.alert} is not true after {within:.0f} s"
        self.times.true_s = time.monotonic() - self._at
        assert eventually(self.state, lambda state: state != "inactive", seconds=5) != "inactive"
        return found

    def fires(self, within: float) -> None:
        """Wait until somebody would be told."""
        assert eventually(self.state, lambda state: state == "firing", seconds=within) == "firing"
        self.times.firing_s = time.monotonic() - self._at

    def repaired(self) -> None:
        """From this moment: when the operator begins with the repair."""
        self._at = time.monotonic()

    def turns_false(self, record: Record, within: float = 60) -> None:
        """Wait until the expression is false and the alert gone; its times are recorded then."""
        deadline = time.monotonic() + within
        since = None
        while since is None or time.monotonic() - since < STAYS_S:
            assert time.monotonic() < deadline, f"{self.times.alert} is true {within:.0f} s after the repair"
            time.sleep(POLL_S)
            if self.samples() or not self._prometheus.query("shiftcal_gate_open == 1"):
                since = None  # nor is it false while nobody tells anything
            elif since is None:
                since = time.monotonic()
        self.times.false_s = since - self._at
        self.quiet()
        record("drill", json.dumps(asdict(self.times)))

    def samples(self) -> list[dict[str, Any]]:
        """What the rule's expression gives now."""
        return self._prometheus.query(self._expression)

    def state(self) -> str:
        """How the alert stands."""
        return self._prometheus.state(self.times.alert)
