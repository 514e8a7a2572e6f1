"""Whether the objects are ones that Kubernetes takes, and hang together.

In: `Manifests`. Out: a sentence for each fault. Not here: what the processes in them need.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import kubernetes_validate

from tests.deploy.kubernetes.container import made_by_hand
from tests.deploy.kubernetes.manifests import Manifests, Object, Pod, selects

#: The oldest release that knows all fields, and the newest whose schemas are there.
RELEASES = ("1.27", kubernetes_validate.latest_version())

#: A kind of somebody else's: its schema comes with its operator.
FOREIGN = "monitoring.coreos.com/"


def schemas(manifests: Manifests) -> Iterator[str]:
    """Each object fits the schema of its kind, and has no field that is not in there."""
    for one in manifests.objects:
        if not one["apiVersion"].startswith(FOREIGN):
            yield from _misfits(json.dumps(one))


def selectors(manifests: Manifests) -> Iterator[str]:
    """Workloads and services find their pods, each in its own."""
    for pod in manifests.pods():
        if pod.owner["kind"] != "Job" and not selects(pod.owner["spec"]["selector"], pod.labels):
            yield f"{pod.name} does not select its own pods"
    for service in manifests.of("Service"):
        found = [
            pod
            for pod in manifests.pods()
            if selects({"matchLabels": service["spec"]["selector"]}, pod.labels)
        ]
        if len(found) != 1:
            yield f"{_name(service)} selects {len(found)} workloads"
        for port in service["spec"]["ports"]:
            if not any(port["targetPort"] in pod.ports for pod in found):
                yield f"{_name(service)} points to a port that no pod has: {port['targetPort']}"
    for monitor in manifests.of("PodMonitor"):
        found = [pod for pod in manifests.pods() if selects(monitor["spec"]["selector"], pod.labels)]
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            if [pod.component for pod in found] != ["worker"] or endpoint["port"] not in found[0].ports:
                yield f"{_name(monitor)} does not find the workers' port {endpoint['port']}"


def budgets(manifests: Manifests) -> Iterator[str]:
    """Whatever stays up has a budget of one pod at a time, which lets nodes be drained."""
    for pod in manifests.pods():
        if pod.owner["kind"] == "Job":
            continue
        found = [
            one["spec"]
            for one in manifests.of("PodDisruptionBudget")
            if selects(one["spec"]["selector"], pod.labels)
        ]
        if [budget.get("maxUnavailable") for budget in found] != [1]:
            yield f"{pod.name} has no disruption budget of one pod"


def names(manifests: Manifests) -> Iterator[str]:
    """What pods refer to is there, or made as the page says."""
    maps = {one["metadata"]["name"] for one in manifests.of("ConfigMap")} | set(made_by_hand("configmap"))
    secrets = set(made_by_hand("secret generic"))
    for pod in manifests.pods():
        for name in _maps(pod) - maps:
            yield f"{pod.name} refers to the ConfigMap {name}, which nobody makes"
        for name in _secrets(pod) - secrets:
            yield f"{pod.name} refers to the Secret {name}, which nobody makes"
        mounted = {mount["name"] for mount in pod.container["volumeMounts"]}
        claims = {one["metadata"]["name"] for one in pod.owner["spec"].get("volumeClaimTemplates", ())}
        if mounted != {volume["name"] for volume in pod.spec["volumes"]} | claims:
            yield f"{pod.name} has volumes that are not mounted, or mounts without a volume"
    governing = [pod.owner["spec"]["serviceName"] for pod in manifests.pods() if pod.component == "worker"]
    headless = [
        one["metadata"]["name"] for one in manifests.of("Service") if one["spec"].get("clusterIP") == "None"
    ]
    if governing != headless:
        yield f"the workers' service {governing} is none of the headless ones {headless}"


def images(manifests: Manifests) -> Iterator[str]:
    """One image for all, of a named release."""
    found = {pod.container["image"] for pod in manifests.pods()}
    if len(found) != 1:
        yield f"several images: {sorted(found)}"
    for image in found:
        tag = image.rpartition("/")[2].partition(":")[2]
        if tag in {"", "latest"}:
            yield f"the image {image} is of no named release"


@cache  # a schema with all that it refers to takes a while to read, and most objects are asked about again and again
def _misfits(text: str) -> tuple[str, ...]:
    one, found = json.loads(text), []
    for release in RELEASES:
        try:
            kubernetes_validate.validate(one, release, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{_name(one)}, Kubernetes {release}: {error.message}")
    return tuple(found)


def _maps(pod: Pod) -> set[str]:
    mounted = {volume["configMap"]["name"] for volume in pod.spec["volumes"] if "configMap" in volume}
    return mounted | {source["configMapRef"]["name"] for source in pod.container["envFrom"]}


def _secrets(pod: Pod) -> set[str]:
    return {
        source["secret"]["name"]
        for volume in pod.spec["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
    }


def _name(one: Object) -> str:
    return f"{one['kind']} {one['metadata']['name']}"
