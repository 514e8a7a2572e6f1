"""A container as its process finds it: the environment, and the files of secrets and ConfigMaps; and its settings, loaded for real.

In: manifests and one of their pods. Out: its environment, its `Settings`. Not here: whether they fit the manifests.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from streams.settings import PREFIX, Settings, load_settings
from tests.deploy.kubernetes.manifests import ROOT, Manifests, Object, Pod

DOCKERFILE = (ROOT / "Dockerfile").read_text()
PAGE = (ROOT / "docs" / "kubernetes.md").read_text()

#: What an operator puts into secrets: values of the right shape, of nobody.
VALUES = {
    "vault_keys": Fernet.generate_key().decode(),
    "database_url": "postgresql+asyncpg://shiftcal:word@database.example.com:5432/shiftcal?ssl=verify-full",
    "google_client_secret": "word",
    "kafka_sasl_username": "shiftcal",
    "kafka_sasl_password": "word",
    "portal_host_key": "w" * 32,
    "notify_key": "w" * 32,
}


def made_by_hand(kind: str) -> dict[str, list[str]]:
    """Secrets or ConfigMaps that the page has the operator make, with their keys."""
    joined = PAGE.replace("\\\n", " ")
    return {
        found[1]: re.findall(r"--from-file=([\w.]+)", found[2])
        for found in re.finditer(rf"create {kind} ([\w-]+)(.*)", joined)
    }


def environment(manifests: Manifests, pod: Pod) -> dict[str, str]:
    """What the image sets, then what the manifests do."""
    given = dict(re.findall(rf"\b({PREFIX}\w+)=(\S+)", DOCKERFILE.partition("HEALTHCHECK")[0]))
    for source in pod.container.get("envFrom", ()):
        given |= _data(manifests, source["configMapRef"]["name"])
    for one in pod.container.get("env", ()):
        if "value" in one:
            given[one["name"]] = one["value"]
        else:
            assert one["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
            given[one["name"]] = f"{pod.name}-0"
    return given


def loaded(manifests: Manifests, pod: Pod, root: Path) -> Settings:
    """The settings as the process loads them, in a file system that looks like the container's."""
    _mount(manifests, pod, root)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        for name, value in environment(manifests, pod).items():
            patch.setenv(name, f"{root}{value}" if value.startswith("/") else value)
        patch.chdir(root)
        return load_settings()


def _data(manifests: Manifests, name: str) -> dict[str, str]:
    found: list[dict[str, str]] = [
        one["data"] for one in manifests.of("ConfigMap") if one["metadata"]["name"] == name
    ]
    return found[0] if found else dict.fromkeys(made_by_hand("configmap").get(name, ()), "PEM")


def _mount(manifests: Manifests, pod: Pod, root: Path) -> None:
    for path, volume in pod.mounts:
        _lay(root / path.lstrip("/"), _files(manifests, volume))


def _files(manifests: Manifests, volume: Object) -> dict[str, str]:
    if "configMap" in volume:
        return _data(manifests, volume["configMap"]["name"])
    names = [source["secret"]["name"] for source in volume.get("projected", {}).get("sources", ())]
    keys = [key for name in names for key in made_by_hand("secret generic").get(name, ())]
    return {key: VALUES[key.removeprefix(PREFIX.lower())] for key in keys}


def _lay(directory: Path, files: dict[str, str]) -> None:
    """As the kubelet does: each file is a link through a link, so that all of them change at once."""
    (directory / "..2026").mkdir(parents=True, exist_ok=True)
    (directory / "..data").symlink_to("..2026")
    for name, value in files.items():
        (directory / "..2026" / name).write_text(value)
        (directory / name).symlink_to(f"..data/{name}")
