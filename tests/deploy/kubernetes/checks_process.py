"""Whether the pods give their processes what the code asks for: settings, ports, probes, time to end.

In: `Manifests`. Out: a sentence for each fault. Not here: shapes, rights, networks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from portal import serve as portal
from portal.app import _routes as portal_routes
from portal.links import key_of
from streams.policies import load_policies
from streams.serve import STOP_DEADLINE_S
from streams.settings import PREFIX, SECRETS_DIR, Settings, SettingsError
from tests.deploy.kubernetes.container import environment, loaded
from tests.deploy.kubernetes.manifests import Manifests, Object, Pod

KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {SECRETS_DIR}

#: What is left to do after the drain: producers are flushed, connections closed.
MARGIN_S = 10

#: A worker opens its port once Kafka and the database were asked; a cluster that starts as a whole takes minutes for that.
START_S = 120

#: A recovering worker answers late under load, never so late.
HANGS_S = 60


def settings(manifests: Manifests) -> Iterator[str]:
    """Every variable is a setting, and the process comes up with them; nobody else's name falls in between."""
    for pod in manifests.pods():
        ours = {name for name in environment(manifests, pod) if name.startswith(PREFIX)}
        for name in sorted(ours - KNOWN):
            yield f"{pod.name}: {name} is no setting"
        if pod.spec.get("enableServiceLinks", True):
            yield f"{pod.name} takes the variables that Kubernetes makes of services' names"
        try:
            with tempfile.TemporaryDirectory() as root:
                found = loaded(manifests, pod, Path(root))
                load_policies(found.policies)
        except SettingsError as error:
            yield f"{pod.name}: {error}"
            continue
        if pod.component != "topics":
            yield from _served(pod, found)


def _served(pod: Pod, found: Settings) -> Iterator[str]:
    port, host = {
        "worker": (found.http_port, found.http_host),
        "portal": (found.portal_port, found.portal_host),
    }[pod.component]
    if pod.ports != {"http": port}:
        yield f"{pod.name} opens {pod.ports}, and the process listens on {port}"
    if host != "0.0.0.0":  # noqa: S104  the pod's own address is not known before it runs
        yield f"{pod.name} listens on {host}, where no probe reaches it"
    if not (found.vault_keys and found.google_client_secret):
        yield f"{pod.name} has no keys of the vault, or no secret of Google's client"
    if pod.component == "portal":
        key_of(found)
        yield from _probed(pod, urlsplit(found.portal_public_url or "").path)
    else:
        yield from _probed(pod, "")


def _probed(pod: Pod, prefix: str) -> Iterator[str]:
    asked = {"worker": ("/live", "/live", "/ready"), "portal": ("/live-check",) * 3}[pod.component]
    for kind, path in zip(("startupProbe", "livenessProbe", "readinessProbe"), asked, strict=True):
        probe = pod.container.get(kind)
        if probe is None:
            yield f"{pod.name} has no {kind}"
        elif probe["httpGet"] != {"path": f"{prefix}{path}", "port": "http"}:
            yield f"{pod.name}: its {kind} asks for {probe['httpGet']}, not {prefix}{path}"
    if _lasts(pod.container.get("startupProbe")) < START_S:
        yield f"{pod.name} is given less than {START_S} s to start"
    if _lasts(pod.container.get("livenessProbe")) < HANGS_S:
        yield f"{pod.name} is killed after less than {HANGS_S} s of silence"


def _lasts(probe: Object | None) -> int:
    return probe["periodSeconds"] * probe["failureThreshold"] if probe else START_S


def paths(manifests: Manifests) -> Iterator[str]:
    """The portal has the path that its probes ask for."""
    known = {getattr(route, "path", "") for route in portal_routes()}
    found = manifests.pod("portal").container
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = found.get(kind, {"httpGet": {"path": "/live-check"}})["httpGet"]["path"]
        if not any(path.endswith(one) for one in known - {"/"}):
            yield f"the portal has no {path}"


def grace(manifests: Manifests) -> Iterator[str]:
    """Whoever is told to end is not killed before it may have ended."""
    worker, pages = manifests.pod("worker"), manifests.pod("portal")
    if worker.spec.get("terminationGracePeriodSeconds", 30) < STOP_DEADLINE_S + MARGIN_S:
        yield f"a worker drains for {STOP_DEADLINE_S:.0f} s and is killed before"
    (_, seconds) = pages.container["lifecycle"]["preStop"]["exec"]["command"]
    if pages.spec.get("terminationGracePeriodSeconds", 30) < int(seconds) + portal._GRACE_S + MARGIN_S:
        yield "the portal is killed with requests under way"


def members(manifests: Manifests) -> Iterator[str]:
    """Workers are members of the group under their pods' names, no more than there are partitions, and the portal asks each."""
    worker = manifests.pod("worker")
    given, replicas = environment(manifests, worker), worker.owner["spec"]["replicas"]
    if given.get(f"{PREFIX}INSTANCE_ID") != f"{worker.name}-0":
        yield "workers do not have their pods' names in the group"
    if replicas > int(given[f"{PREFIX}PARTITIONS"]):
        yield f"{replicas} workers for {given[f'{PREFIX}PARTITIONS']} partitions"
    if worker.owner["spec"].get("updateStrategy") != {"type": "RollingUpdate"}:
        yield "workers are not updated one at a time"
    if worker.owner["spec"].get("persistentVolumeClaimRetentionPolicy", {}).get("whenScaled") != "Delete":
        yield "a volume that was out of use comes back with rows that are deleted since"
    service = worker.owner["spec"]["serviceName"]
    there = [f"http://{worker.name}-{n}.{service}:{worker.ports['http']}" for n in range(replicas)]
    asked = environment(manifests, manifests.pod("portal")).get(f"{PREFIX}PORTAL_WORKERS", "").split(",")
    if asked != there:
        yield f"the portal asks {asked}, and there are {there}"
