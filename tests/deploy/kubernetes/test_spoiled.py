"""Each way to spoil what is applied to a cluster is noticed, and told by a sentence of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.kubernetes.checks import faults
from tests.deploy.kubernetes.manifests import EXAMPLE, Manifests, Object, kustomize

pytestmark = pytest.mark.skipif(
    kustomize() is None,
    reason="what Kustomize makes of deploy/kubernetes is only seen with kustomize or kubectl",
)

Spoil = Callable[[Manifests], Any]


def _pod(manifests: Manifests, component: str = "worker") -> Object:
    return manifests.pod(component).spec


def _container(manifests: Manifests, component: str = "worker") -> Object:
    return manifests.pod(component).container


def _settings(manifests: Manifests, name: str = "shiftcal-settings") -> dict[str, str]:
    found: dict[str, str] = manifests.one("ConfigMap", name)["data"]
    return found


def _policy(manifests: Manifests, name: str) -> Object:
    found: Object = manifests.one("NetworkPolicy", name)["spec"]
    return found


SPOILED: list[tuple[str, Spoil]] = [
    # A field that Kubernetes does not know, a value that it does not take, one that it needs.
    ("'livenesProbe' was unexpected", lambda m: _container(m).update(livenesProbe={})),
    ("'8081' is not of type", lambda m: _container(m)["ports"][0].update(containerPort="8081")),
    ("'two' is not of type", lambda m: m.pod("worker").owner["spec"].update(minReadySeconds="two")),
    ("'name' is a required", lambda m: m.pod("topics").container.pop("name")),
    # What belongs together.
    ("does not select its own", lambda m: m.pod("worker").labels.pop("app.kubernetes.io/name")),
    ("selects 0 workloads", lambda m: m.one("Service", "shiftcal-portal")["spec"]["selector"].update(a="b")),
    ("a port that no pod has", lambda m: m.one("Service", "shiftcal-portal")["spec"]["ports"][0].update(targetPort="web")),
    ("workers' port web", lambda m: m.of("PodMonitor")[0]["spec"]["podMetricsEndpoints"][0].update(port="web")),
    ("no disruption budget", lambda m: m.one("PodDisruptionBudget", "shiftcal-worker")["spec"].update(maxUnavailable=0)),
    ("no disruption budget", lambda m: m.objects.remove(m.one("PodDisruptionBudget", "shiftcal-portal"))),
    ("Secret other, which nobody", lambda m: _sources(m).append({"secret": {"name": "other"}})),
    ("which nobody makes", lambda m: m.objects.remove(m.one("ConfigMap", "shiftcal-policies"))),
    ("none of the headless", lambda m: m.one("Service", "shiftcal-workers")["spec"].pop("clusterIP")),
    ("mounts without a volume", lambda m: _container(m)["volumeMounts"].pop()),
    ("several images", lambda m: _container(m).update(image="shiftcal:0.2.0")),
    ("no named release", lambda m: _container(m).update(image="shiftcal")),
    # Settings.
    ("SHIFTCAL_HTP_PORT is no setting", lambda m: _settings(m).update(SHIFTCAL_HTP_PORT="8081")),
    ("SHIFTCAL_STORE: ", lambda m: _settings(m).update(SHIFTCAL_STORE="disk")),
    ("SHIFTCAL_POLICIES: ", lambda m: _settings(m).update(SHIFTCAL_POLICIES="/etc/shiftcal/policies.toml")),
    ("SHIFTCAL_KAFKA_SSL_CAFILE: ", lambda m: _settings(m).update(SHIFTCAL_KAFKA_SSL_CAFILE="/etc/ca.pem")),
    ("SHIFTCAL_SECRETS_DIR: ", lambda m: _settings(m).update(SHIFTCAL_SECRETS_DIR="/run/secrets/other")),
    ("SHIFTCAL_KAFKA_SASL_PASSWORD: ", lambda m: _sources(m).pop(1)),
    ("has no keys of the vault", lambda m: _sources(m).pop(0)),
    ("takes the variables", lambda m: _pod(m, "topics").pop("enableServiceLinks")),
    ("SHIFTCAL_NOTIFY_KEY: is needed", lambda m: _settings(m).update(SHIFTCAL_NOTIFY_URL="https://app.example.com")),
    ("the process listens on 9000", lambda m: _settings(m).update(SHIFTCAL_HTTP_PORT="9000")),
    ("the process listens on 8080", lambda m: _container(m, "portal")["ports"][0].update(containerPort=8088)),
    ("no probe reaches it", lambda m: _settings(m).update(SHIFTCAL_HTTP_HOST="127.0.0.1")),
    # Probes, and time to end.
    ("has no startupProbe", lambda m: _container(m).pop("startupProbe")),
    ("has no livenessProbe", lambda m: _container(m, "portal").pop("livenessProbe")),
    ("has no readinessProbe", lambda m: _container(m).pop("readinessProbe")),
    ("its livenessProbe asks for", lambda m: _container(m)["livenessProbe"]["httpGet"].update(path="/ready")),
    ("its readinessProbe asks for", lambda m: _container(m)["readinessProbe"]["httpGet"].update(port=8080)),
    ("the portal has no /healthz", lambda m: _container(m, "portal")["startupProbe"]["httpGet"].update(path="/healthz")),
    ("not /calendar/live-check", lambda m: _settings(m, "shiftcal-portal-settings").update(SHIFTCAL_PORTAL_PUBLIC_URL="https://example.com/calendar")),
    ("less than 120 s to start", lambda m: _container(m)["startupProbe"].update(failureThreshold=3)),
    ("less than 60 s of silence", lambda m: _container(m)["livenessProbe"].update(failureThreshold=3)),
    ("drains for 20 s", lambda m: _pod(m).update(terminationGracePeriodSeconds=20)),
    ("requests under way", lambda m: _pod(m, "portal").update(terminationGracePeriodSeconds=10)),
    # Members of the group.
    ("pods' names in the group", lambda m: _container(m).pop("env")),
    ("13 workers for 12", lambda m: m.pod("worker").owner["spec"].update(replicas=13)),
    ("the portal asks", lambda m: m.pod("worker").owner["spec"].update(replicas=2)),
    ("one at a time", lambda m: m.pod("worker").owner["spec"].update(updateStrategy={"type": "OnDelete"})),
    ("out of use comes back", lambda m: m.pod("worker").owner["spec"].pop("persistentVolumeClaimRetentionPolicy")),
    # Rights.
    ("the image's user 10001", lambda m: _pod(m)["securityContext"].update(runAsUser=0)),
    ("the image's user 10001", lambda m: _pod(m, "topics")["securityContext"].pop("runAsNonRoot")),
    ("read its secrets", lambda m: _pod(m)["securityContext"].pop("fsGroup")),
    ("any system call", lambda m: _pod(m)["securityContext"].pop("seccompProfile")),
    ("more than it needs", lambda m: _container(m)["securityContext"].update(readOnlyRootFilesystem=False)),
    ("more than it needs", lambda m: _container(m)["securityContext"]["capabilities"].update(add=["NET_ADMIN"])),
    ("a token of the cluster", lambda m: _pod(m).pop("automountServiceAccountToken")),
    ("sees the node", lambda m: _pod(m).update(hostNetwork=True)),
    ("may write to /run/secrets", lambda m: _container(m)["volumeMounts"][2].pop("readOnly")),
    ("a restart loses it", lambda m: _settings(m).update(SHIFTCAL_STATE_DIR="/var/lib/other/state")),
    ("a Secret with a value", lambda m: m.objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})),
    ("VAULT_KEYS stands in a ConfigMap", lambda m: _settings(m).update(SHIFTCAL_VAULT_KEYS="")),
    ("DATABASE_URL stands in its env", lambda m: _container(m)["env"].append({"name": "SHIFTCAL_DATABASE_URL", "value": ""})),
    ("topics has the secrets", lambda m: _sources(m, "topics").append({"secret": {"name": "shiftcal"}})),
    ("a limit of memory alone", lambda m: _container(m)["resources"]["limits"].update(cpu="1")),
    ("a limit of memory alone", lambda m: _container(m, "topics").pop("resources")),
    # The network.
    ("open to more than", lambda m: m.objects.remove(m.one("NetworkPolicy", "shiftcal-deny"))),
    ("lets anything through", lambda m: _policy(m, "shiftcal-to-kafka")["egress"][0].pop("ports")),
    ("lets anything through", lambda m: _policy(m, "shiftcal-into-portal")["ingress"][0].pop("from")),
    ("reaches", lambda m: _policy(m, "shiftcal-to-database")["egress"][0]["ports"][0].update(port=5433)),
    ("reaches", lambda m: _settings(m).update(SHIFTCAL_KAFKA_BOOTSTRAP="kafka.kafka.svc:9094")),
    ("reaches", lambda m: m.objects.remove(m.one("NetworkPolicy", "shiftcal-to-google"))),
    ("reaches", lambda m: m.objects.remove(m.one("NetworkPolicy", "shiftcal-portal-to-workers"))),
    ("reaches", lambda m: m.objects.remove(m.one("NetworkPolicy", "shiftcal-to-dns"))),
    ("is not reached by", lambda m: _policy(m, "shiftcal-into-workers")["ingress"][0]["from"].pop()),
    ("no port web to be reached", lambda m: _policy(m, "shiftcal-into-portal")["ingress"][0]["ports"][0].update(port="web")),
]  # fmt: skip


def _sources(manifests: Manifests, component: str = "worker") -> list[Object]:
    (found,) = (
        each["projected"]["sources"] for each in _pod(manifests, component)["volumes"] if "projected" in each
    )
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(("said", "spoil"), SPOILED, ids=[f"{n:02}" for n in range(len(SPOILED))])
def test_spoiled(said: str, spoil: Spoil) -> None:
    """Each change that would do harm is told by a sentence of its own."""
    manifests = Manifests(EXAMPLE)
    spoil(manifests)
    assert [fault for fault in faults(manifests) if said in fault]
