"""Whether a pod that is broken into can do no more than its process has to, and secrets stand in secrets alone.

In: `Manifests`. Out: a sentence for each fault. Not here: the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.settings import PREFIX, Settings
from tests.deploy.kubernetes.container import DOCKERFILE, environment, made_by_hand
from tests.deploy.kubernetes.manifests import Manifests, Pod

UID = int(re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)[0])

SECRETS = {
    f"{PREFIX}{name.upper()}"
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
}

#: Which secrets a pod needs; the job that makes topics has no way to tokens.
NEEDED = {
    "worker": {"shiftcal", "shiftcal-kafka"},
    "portal": {"shiftcal", "shiftcal-kafka", "shiftcal-portal"},
    "topics": {"shiftcal-kafka"},
}


def rights(manifests: Manifests) -> Iterator[str]:
    """As the level `restricted` asks, and beyond it: nothing may be written but volumes, and no token of the cluster is there.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    for pod in manifests.pods():
        inside, whole = pod.container.get("securityContext", {}), pod.spec.get("securityContext", {})
        if whole.get("runAsUser") != UID or whole.get("runAsNonRoot") is not True:
            yield f"{pod.name} does not run as the image's user {UID}"
        if whole.get("fsGroup") != UID:
            yield f"{pod.name} may not be able to read its secrets and write its volume"
        if whole.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{pod.name} may make any system call"
        if inside != {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }:
            yield f"{pod.name}: its container may do more than it needs"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name} has a token of the cluster"
        if any(pod.spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{pod.name} sees the node"


def writable(manifests: Manifests) -> Iterator[str]:
    """A worker's state is on its own volume, secrets and settings cannot be written."""
    for pod in manifests.pods():
        for mount in pod.container["volumeMounts"]:
            if mount["mountPath"].startswith(("/etc", "/run")) and not mount.get("readOnly"):
                yield f"{pod.name} may write to {mount['mountPath']}"
    worker = manifests.pod("worker")
    state = environment(manifests, worker)[f"{PREFIX}STATE_DIR"]
    claimed = [path for path, volume in worker.mounts if "accessModes" in volume.get("spec", {})]
    if not any(state.startswith(f"{path}/") for path in claimed):
        yield f"{state} is not on the volume that is claimed: a restart loses it"


def secrets(manifests: Manifests) -> Iterator[str]:
    """No secret stands in plain text; each has its place; each pod has those that it needs."""
    if manifests.of("Secret"):
        yield "a Secret with a value is among the manifests"
    for one in manifests.of("ConfigMap"):
        for name in sorted(SECRETS & set(one["data"])):
            yield f"{name} stands in a ConfigMap"
    for pod in manifests.pods():
        for name in sorted({one["name"] for one in pod.container.get("env", ())} & SECRETS):
            yield f"{pod.name}: {name} stands in its environment"
        if _secrets(pod) != NEEDED[pod.component]:
            yield f"{pod.name} has the secrets {sorted(_secrets(pod))}, and needs {sorted(NEEDED[pod.component])}"
    places = {key.upper() for keys in made_by_hand("secret generic").values() for key in keys}
    if missing := sorted(SECRETS - places):
        yield f"the page has no place for {missing}"


def resources(manifests: Manifests) -> Iterator[str]:
    """Memory is bounded, the processor is not: who is throttled misses heartbeats."""
    for pod in manifests.pods():
        given = pod.container.get("resources", {})
        if set(given.get("limits", {})) != {"memory"} or set(given.get("requests", {})) != {"cpu", "memory"}:
            yield f"{pod.name} does not ask for memory and processor, with a limit of memory alone"


def _secrets(pod: Pod) -> set[str]:
    return {
        source["secret"]["name"]
        for volume in pod.spec["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
    }
