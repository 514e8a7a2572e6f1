"""The Compose files as values: what tests and `make compose-test` ask of them.

In: the files at the root. Out: services with what they extend, merged as Compose does it for the keys that are used here.
Not here: an engine.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FILES: Final = ("docker-compose.yml", "docker-compose.host.yml")
SHARED: Final = "deploy/compose/services.yml"
_MERGED: Final = ("environment", "build")

Service = dict[str, Any]


@cache
def document(name: str) -> dict[str, Any]:
    """A file as it stands there."""
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return found


def services(name: str) -> dict[str, Service]:
    """Every service of a file, with what it extends."""
    return {service: _merged(body) for service, body in document(name)["services"].items()}


def environment(service: Service) -> dict[str, str]:
    """What a service's processes find in their environment."""
    return {str(key): str(value) for key, value in (service.get("environment") or {}).items()}


def _merged(body: Service) -> Service:
    own = dict(body)
    extended = own.pop("extends", None)
    if extended is None:
        return own
    assert extended["file"] == SHARED
    base = document(SHARED)["services"][extended["service"]]
    both = {key: {**base.get(key, {}), **own.get(key, {})} for key in _MERGED if key in base or key in own}
    volumes = [*base.get("volumes", ()), *own.get("volumes", ())]
    return {**base, **own, **both, **({"volumes": volumes} if volumes else {})}
