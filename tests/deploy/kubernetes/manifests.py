"""What Kustomize makes of a directory under `deploy/kubernetes`, and how its objects are found.

In: a directory's name. Out: `Manifests`. Not here: whether they are right.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
HOME = ROOT / "deploy" / "kubernetes"

#: The overlay that operators copy.
EXAMPLE = "overlays/example"

Object = dict[str, Any]


def kustomize() -> list[str] | None:
    """The command that renders; `kubectl` has Kustomize built in."""
    if found := shutil.which("kustomize"):
        return [found, "build"]
    if found := shutil.which("kubectl"):
        return [found, "kustomize"]
    return None


@cache
def rendered(directory: str) -> str:
    command = kustomize()
    assert command is not None
    done = subprocess.run(
        [*command, str(HOME / directory)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that a workload makes, and the workload."""

    owner: Object

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def component(self) -> str:
        return str(self.labels.get("app.kubernetes.io/component"))

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.owner["spec"]["template"]["metadata"]["labels"]
        return found

    @property
    def spec(self) -> Object:
        found: Object = self.owner["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> Object:
        (found,) = self.spec["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container.get("ports", ())}

    @property
    def mounts(self) -> Iterator[tuple[str, Object]]:
        """Paths, and what is there; claims are volumes, too."""
        volumes = {volume["name"]: volume for volume in self.spec.get("volumes", ())}
        claims = {
            claim["metadata"]["name"]: claim for claim in self.owner["spec"].get("volumeClaimTemplates", ())
        }
        for mount in self.container.get("volumeMounts", ()):
            yield mount["mountPath"], {**volumes, **claims}[mount["name"]]


class Manifests:
    """All objects of one directory."""

    def __init__(self, directory: str) -> None:
        self.objects: list[Object] = list(yaml.safe_load_all(rendered(directory)))

    def of(self, kind: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """The object of that name, without the digest that a generated name ends in."""
        found = [one for one in self.of(kind) if one["metadata"]["name"].startswith(name)]
        return min(found, key=lambda one: len(one["metadata"]["name"]))

    def pods(self) -> list[Pod]:
        return [Pod(one) for kind in ("StatefulSet", "Deployment", "Job") for one in self.of(kind)]

    def pod(self, component: str) -> Pod:
        (found,) = (one for one in self.pods() if one.component == component)
        return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector takes these labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/)."""
    for each in selector.get("matchExpressions", ()):
        assert each["operator"] == "In"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
