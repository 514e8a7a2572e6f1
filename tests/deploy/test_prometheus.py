"""Rules and dashboard: they name metrics that a worker has, each alert has its section, and Prometheus agrees with each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import Metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
PROMTOOL = shutil.which("promtool")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "shiftcal.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def exported() -> set[str]:
    families = text_string_to_metric_families(Metrics().page().decode())
    names = {sample.name for family in families for sample in family.samples}
    # Those with labels that begin with their first event.
    declared = {
        line.split()[2] for line in Metrics().page().decode().splitlines() if line.startswith("# TYPE")
    }
    return names | declared | {f"{name}_bucket" for name in declared}


def test_every_metric_that_is_asked_for() -> None:
    """An expression over a name that nobody exports is never true, and nobody would notice."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for text in expressions() for name in re.findall(r"\b(?:shiftcal|process)[_:][\w:]+", text)}
    assert asked - recorded - exported() == set()
    assert len(asked) > 20


def test_every_state_and_action_that_is_asked_for() -> None:
    """The values of labels in expressions are ones that a worker begins with."""
    page = Metrics().page().decode()
    for text in expressions():
        for values in re.findall(r'\b(?:state|action|method|answer)=~?"([\w|]+)"', text):
            assert all(f'="{value}"' in page for value in values.split("|"))


def test_runbook() -> None:
    """Each alert has a section, each section an alert."""
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sorted(sections) == sorted(alerts)
    for name, alert in alerts.items():
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert alert["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.skipif(
    PROMTOOL is None, reason="rules are only held against histories by promtool (Debian: prometheus)"
)
def test_alerts_against_histories() -> None:
    """Each fires in the history that it is for, and in no quiet one."""
    assert PROMTOOL is not None
    histories = Path(__file__).with_name("alerts.yml")
    told = {
        test["alertname"]
        for one in yaml.safe_load(histories.read_text())["tests"]
        for test in one["alert_rule_test"]
    }
    assert told == {rule["alert"] for rule in rules() if "alert" in rule}
    done = subprocess.run(
        [PROMTOOL, "test", "rules", str(histories)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
