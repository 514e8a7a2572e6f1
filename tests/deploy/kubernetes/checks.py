"""All checks together.

In: `Manifests`. Out: every fault, as a sentence. Not here: any check.
"""

from __future__ import annotations

from itertools import chain

from tests.deploy.kubernetes import checks_network as network
from tests.deploy.kubernetes import checks_process as process
from tests.deploy.kubernetes import checks_safety as safety
from tests.deploy.kubernetes import checks_shape as shape
from tests.deploy.kubernetes.manifests import Manifests

CHECKS = (
    *(shape.schemas, shape.selectors, shape.budgets, shape.names, shape.images),
    *(process.settings, process.paths, process.grace, process.members),
    *(safety.rights, safety.writable, safety.secrets, safety.resources),
    *(network.closed, network.outward, network.inward),
)


def faults(manifests: Manifests) -> list[str]:
    return list(chain.from_iterable(check(manifests) for check in CHECKS))
