"""What is applied to a cluster fits Kubernetes and the code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from streams.settings import Settings
from tests.deploy.kubernetes.checks import faults
from tests.deploy.kubernetes.container import PAGE, environment, loaded
from tests.deploy.kubernetes.manifests import EXAMPLE, ROOT, Manifests, kustomize

pytestmark = pytest.mark.skipif(
    kustomize() is None,
    reason="what Kustomize makes of deploy/kubernetes is only seen with kustomize or kubectl",
)


@pytest.fixture
def example() -> Manifests:
    return Manifests(EXAMPLE)


@pytest.mark.parametrize("directory", ["base", EXAMPLE])
def test_as_it_is(directory: str) -> None:
    """No fault is found."""
    assert faults(Manifests(directory)) == []


def test_what_an_overlay_has_to_say(example: Manifests, tmp_path: Path) -> None:
    """The example says where Kafka and Google's client are, and where browsers find the portal."""
    for number, component in enumerate(("worker", "portal")):
        settings = loaded(example, example.pod(component), tmp_path / str(number))
        for name in ("kafka_bootstrap", "google_client_id"):
            assert getattr(settings, name) != Settings.model_fields[name].default
    assert settings.portal_public_url is not None
    (ingress,) = example.of("Ingress")
    assert settings.portal_public_url == f"https://{ingress['spec']['rules'][0]['host']}"


def test_a_change_of_the_portal_leaves_workers_alone(example: Manifests) -> None:
    """A worker has no setting of the portal's: what changes there restarts no worker."""
    ours = {name for name in environment(example, example.pod("worker")) if "PORTAL" in name}
    assert ours <= {"SHIFTCAL_PORTAL_HOST"}  # the image's own


def test_names_of_services_as_variables(example: Manifests) -> None:
    """Kubernetes would make a setting of ours out of a service's name, which is why it is told not to."""
    made = {f"{one['metadata']['name'].upper().replace('-', '_')}_PORT" for one in example.of("Service")}
    assert "SHIFTCAL_PORTAL_PORT" in made
    assert "portal_port" in Settings.model_fields


def test_targets_of_prometheus(example: Manifests) -> None:
    """They are of the job that the alerts ask for."""
    rules = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text()
    (monitor,) = example.of("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    given = {each["targetLabel"]: each.get("replacement") for each in endpoint["relabelings"]}
    assert set(re.findall(r'job="([\w-]+)"', rules)) == {given["job"]}
    assert endpoint["path"] == "/metrics"


def test_rules_for_the_operator() -> None:
    """The page's own line makes an object of the rules without a second copy of them."""
    (line,) = re.findall(r"^\$ (\(printf .*?)\| kubectl", PAGE, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
    )
    made = yaml.safe_load(done.stdout)
    assert made["spec"] == yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())
    assert made["kind"] == "PrometheusRule"


def test_files_that_the_page_names() -> None:
    """Each file of the overlay is told, and none that is not there."""
    told = set(re.findall(r"`([\w-]+\.(?:yaml|env|toml))`", PAGE)) - {"rules.yml"}
    there = {each.name for each in (ROOT / "deploy/kubernetes/overlays/example").iterdir()}
    assert there - {"namespace.yaml"} <= told
    assert told <= there
