"""Prometheus and Grafana as docker-compose.yml sets them: they find the workers, the rules, each other and the dashboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.deploy.compose_files import FILES, ROOT, services

PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
PARTS = services(FILES[0])


def loaded(kind: str) -> list[dict[str, Any]]:
    (file,) = (PROVISIONING / kind).glob("*.yml")
    content = yaml.safe_load(file.read_text())
    assert content.pop("apiVersion") == 1
    (found,) = content.values()
    return list(found)


def places(service: str) -> dict[str, str]:
    """What of this directory is mounted where in a service."""
    return {place: source for source, place, *_ in (one.split(":") for one in PARTS[service]["volumes"])}


def test_what_is_scraped() -> None:
    """Both workers, as the job that rules and runbook speak of."""
    config = yaml.safe_load(PROMETHEUS.read_text())
    (job,) = config["scrape_configs"]
    (targets,) = job["static_configs"]
    workers = sorted(name for name in PARTS if name.startswith("worker-"))
    assert targets["targets"] == [f"{name}:8081" for name in workers]
    jobs = set(re.findall(r'job="([\w-]+)"', (PROMETHEUS.parent / "rules.yml").read_text()))
    assert jobs == {job["job_name"]}


def test_files_of_prometheus() -> None:
    """The configuration is read where it is mounted, and the rules stand beside it."""
    mounted = places("prometheus")
    (config,) = (word for word in PARTS["prometheus"]["command"] if word.startswith("--config.file="))
    place = config.partition("=")[2]
    assert mounted[place] == "./deploy/prometheus/prometheus.yml"
    for rules in yaml.safe_load(PROMETHEUS.read_text())["rule_files"]:
        beside = place.rpartition("/")[0] + "/" + rules
        assert (ROOT / mounted[beside]).is_file()
    (data,) = (word for word in PARTS["prometheus"]["command"] if word.startswith("--storage.tsdb.path="))
    assert mounted[data.partition("=")[2]] == "prometheus"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
def test_prometheus_itself() -> None:
    """It takes the configuration, with the rules that it names."""
    done = subprocess.run(
        ["promtool", "check", "config", str(PROMETHEUS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


def test_what_grafana_is_given() -> None:
    """A source of the kind that the dashboard asks for, at Prometheus' address, and the dashboard where it is looked for."""
    (source,) = loaded("datasources")
    outside = PARTS["prometheus"]["ports"][0]
    assert source["url"] == f"http://prometheus:{outside.rpartition(':')[2]}"
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "shiftcal.json").read_text())
    kinds = {one["query"] for one in dashboard["templating"]["list"] if one["type"] == "datasource"}
    assert kinds == {source["type"]}
    assert source["isDefault"]
    (provider,) = loaded("dashboards")
    mounted = places("grafana")
    assert mounted["/etc/grafana/provisioning"] == "./deploy/grafana/provisioning"
    home = PARTS["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(provider["options"]["path"] + "/")
    assert (ROOT / mounted[home]) == ROOT / "deploy" / "grafana" / "shiftcal.json"


def test_who_may_do_what_in_grafana() -> None:
    """Anybody may look, and nobody can log in: its first administrator has a password that everybody knows."""
    given = PARTS["grafana"]["environment"]
    assert given["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert (given["GF_AUTH_BASIC_ENABLED"], given["GF_AUTH_DISABLE_LOGIN_FORM"]) == ("false", "true")
