"""Whether each pod reaches what it has to, is reached by whom it has to be, and nothing else.

In: `Manifests`. Out: a sentence for each fault. Not here: what a network plugin makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from streams.settings import PREFIX, Settings
from tests.deploy.kubernetes.container import VALUES, environment
from tests.deploy.kubernetes.manifests import Manifests, Object, Pod, selects

DNS = {53}
GOOGLE = {
    urlsplit(str(field.default)).port or 443
    for name, field in Settings.model_fields.items()
    if name.startswith("google_") and name.endswith("_url")
}
DATABASE = {urlsplit(VALUES["database_url"]).port or 5432}


def kafka(manifests: Manifests, pod: Pod) -> set[int]:
    brokers = environment(manifests, pod).get(f"{PREFIX}KAFKA_BOOTSTRAP", "")
    return {int(broker.rpartition(":")[2]) for broker in brokers.split(",") if broker}


def closed(manifests: Manifests) -> Iterator[str]:
    """What no policy names is refused, both ways, for each pod; and each rule names ports and the other side."""
    for pod in manifests.pods():
        both = {kind for policy in _policies(manifests, pod) for kind in policy["policyTypes"]}
        if both != {"Ingress", "Egress"}:
            yield f"{pod.name} is open to more than what is named"
    for policy in manifests.of("NetworkPolicy"):
        for way, other in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(way, ()):
                if not rule.get("ports") or not rule.get(other):
                    yield f"{policy['metadata']['name']} lets anything through"


def outward(manifests: Manifests) -> Iterator[str]:
    """The ports that are open are those that the settings name."""
    for pod in manifests.pods():
        needed = DNS | kafka(manifests, pod)
        if pod.component != "topics":
            needed |= DATABASE | GOOGLE
        if pod.component == "portal":
            needed.add(manifests.pod("worker").ports["http"])
        found = {
            port
            for policy in _policies(manifests, pod)
            for rule in policy.get("egress", ())
            for port in _ports(manifests, rule)
        }
        # The base does not know where Kafka is: an overlay says so.
        extra = found - needed if kafka(manifests, pod) else set()
        if needed - found or extra:
            yield f"{pod.name} reaches {sorted(found)}, and needs {sorted(needed)}"


def inward(manifests: Manifests) -> Iterator[str]:
    """The portal and Prometheus reach the workers, who is outside the portal; nobody else anything."""
    expected = {"worker": {"component=portal", "monitoring"}, "portal": {"ingress-nginx"}, "topics": set()}
    for pod in manifests.pods():
        rules = [rule for policy in _policies(manifests, pod) for rule in policy.get("ingress", ())]
        if {_who(peer) for rule in rules for peer in rule.get("from", ())} != expected[pod.component]:
            yield f"{pod.name} is not reached by {sorted(expected[pod.component])} alone"
        for rule in rules:
            for port in rule["ports"]:
                if port["port"] not in pod.ports and port["port"] not in pod.ports.values():
                    yield f"{pod.name} has no port {port['port']} to be reached at"


def _policies(manifests: Manifests, pod: Pod) -> list[Object]:
    found = [one["spec"] for one in manifests.of("NetworkPolicy")]
    return [policy for policy in found if selects(policy["podSelector"], pod.labels)]


def _ports(manifests: Manifests, rule: Object) -> Iterator[int]:
    for port in rule.get("ports", ()):
        if isinstance(port["port"], int):
            yield port["port"]
        else:  # the other pod's own name of it
            for pod in manifests.pods():
                if any(
                    "podSelector" in peer and selects(peer["podSelector"], pod.labels) for peer in rule["to"]
                ):
                    yield pod.ports[port["port"]]


def _who(peer: Object) -> str:
    if "podSelector" in peer:
        return f"component={peer['podSelector']['matchLabels']['app.kubernetes.io/component']}"
    return str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
