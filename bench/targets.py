"""The figures to reach, each under the name that a scenario gives it.

Comes in: a measured figure. Goes out: the same with its target. The order here is that of the published table. One worker, two
cores that broker, stand-in and load share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from bench.figures import Figure


class Target(NamedTuple):
    """What a figure should be."""

    name: str
    value: float
    unit: str
    better: Literal["lower", "higher", "equal"] = "lower"
    scenario: str = ""


TARGETS = (
    Target("produce to Google, 50/s, Google 0 ms, p50", 15, "ms", scenario="latency"),
    Target("produce to Google, 50/s, Google 0 ms, p99", 50, "ms", scenario="latency"),
    Target("produce to Google, 200/s, Google 0 ms, p50", 25, "ms", scenario="latency"),
    Target("produce to Google, 200/s, Google 0 ms, p99", 120, "ms", scenario="latency"),
    Target("200 changes, Google 100 ms, rate against (a)", 100, "x", "higher", "asks-first"),
    Target("4,000 changes, Google 100 ms, rate against (b)", 1.2, "x", "higher", "concurrent"),
    Target("4,000 changes, Google 100 ms, calls against (b)", 0.5, "x", scenario="concurrent"),
    Target("calls per net change, Shiftcal", 1.0, "calls", "equal", "asks-first"),
    Target("calls per net change, (a) asks first", 2.0, "calls", "higher", "asks-first"),
    Target("calls per net change, (b) concurrent", 2.0, "calls", "higher", "concurrent"),
    Target("calls per net change, (d) every minute", 2.0, "calls", "higher", "every-minute"),
    Target(
        "publication of 200 x 20, rate against raw aiohttp posting the same",
        0.5,
        "x",
        "higher",
        "publication",
    ),
    Target("4,000 single edits", 600, "changes/s", "higher", "changes"),
    Target("4,000 single edits against Google's project quota", 3.5, "x", "higher", "changes"),
    Target("publication through the quota, time against its bound", 1.04, "x", scenario="quota"),
    Target("publication through the quota, refusals", 0, "calls", "equal", "quota"),
    Target("a change on the broker, user with 60 tracked shifts", 8, "kB", scenario="bytes"),
    Target("1,000,000 tracked shifts: ready with state", 15, "s", scenario="restart-1m"),
    Target("1,000,000 tracked shifts: ready from nothing", 300, "s", scenario="restart-1m"),
    Target("1,000,000 tracked shifts: memory a shift", 1, "kB", scenario="restart-1m"),
    Target("three workers against one, Google 300 ms", 2.3, "x", "higher", "workers"),
    Target("CPU of a change, 10,000 against 100 shifts", 1.1, "x", scenario="size"),
    Target("latency, 10,000 against 100 shifts", 1.1, "x", scenario="size"),
)

_BY_NAME = {target.name: target for target in TARGETS}


def aimed(figure: Figure) -> Figure:
    """Return the figure with the target of its name, if there is one; its unit has to be the target's."""
    target = _BY_NAME.get(figure.name)
    if target is None:
        return figure
    if target.unit != figure.unit:
        raise ValueError(f"{figure.name} is in {figure.unit}, its target in {target.unit}")
    return replace(figure, target=target.value, better=target.better)
