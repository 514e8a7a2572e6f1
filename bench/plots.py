"""Plots of a run, as SVG texts.

Comes in: figures as they stand in a results file. Goes out: SVG by title; a plot whose figures were not measured is left out.
Not here: the page, and numbers of any kind: a plot says what its figures say.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure as Canvas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

Measured = dict[str, Any]
_GOOD, _BAD, _OURS, _THEIRS = "#1b6e2e", "#b00020", "#1f5fa8", "#9aa5b1"


def drawn(figures: list[Measured]) -> dict[str, str]:
    """Return every plot that these figures can make."""
    sound = [one for one in figures if not one["void"]]
    plots = {
        "Against the targets": _targets(sound),
        "From a producer's hand to Google": _latency(sound),
        "Beside what one would run instead": _sides(sound),
        "A change on the broker": _bytes(sound),
        "Ready after a restart": _restart(sound),
    }
    return {title: svg for title, svg in plots.items() if svg}


def _targets(figures: list[Measured]) -> str:
    """Draw how many times better than its target each figure is: right of one is reached."""
    aimed = [one for one in figures if one["target"] and one["value"] and one["better"] != "equal"]
    if not aimed:
        return ""
    canvas, axes = _canvas(0.32 * len(aimed) + 1.2)
    for row, one in enumerate(reversed(aimed)):
        shares = sorted(_share(one, run) for run in (one["runs"] or [one["value"]]))
        middle = _share(one, one["value"])
        colour = _GOOD if one["reached"] else _BAD
        axes.barh(row, middle - 1, left=1, color=colour, height=0.6)
        axes.plot([shares[0], shares[-1]], [row, row], color="black", linewidth=1.2)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(aimed)), [one["name"] for one in reversed(aimed)], fontsize=8)
    axes.set_xlabel("times better than the target; the line is the spread of the runs")
    return _svg(canvas)


def _share(one: Measured, value: float) -> float:
    ratio = max(value, 1e-9) / one["target"]
    return float(ratio if one["better"] == "higher" else 1 / ratio)


def _latency(figures: list[Measured]) -> str:
    cells = [one for one in figures if one["details"].get("grid") == "latency"]
    if not cells:
        return ""
    canvas, axes = _canvas(3.6)
    for style, quantile in (("-", "p50"), ("--", "p99")):
        for rate in _distinct(one["details"]["rate"] for one in cells):
            line = [
                one
                for one in cells
                if (one["details"]["rate"], one["details"]["quantile"]) == (rate, quantile)
            ]
            across = [one["details"]["google_ms"] for one in line]
            axes.plot(
                across, [one["value"] for one in line], style, marker="o", label=f"{rate}/s, {quantile}"
            )
    axes.set_xlabel("Google's latency, ms")
    axes.set_ylabel("produce to Google's request, ms")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, ncols=2)
    return _svg(canvas)


def _sides(figures: list[Measured]) -> str:
    sides = [one for one in figures if one["details"].get("of") or _is_calls(one)]
    if not sides:
        return ""
    canvas, axes = _canvas(0.4 * len(sides) + 1)
    labels = [f"{one['name']}: {one['value']:.4g} {one['unit']}" for one in reversed(sides)]
    for row, one in enumerate(reversed(sides)):
        most = max(other["value"] for other in sides if _family(other) == _family(one))
        axes.barh(row, one["value"] / most, color=_OURS if "Shiftcal" in one["name"] else _THEIRS, height=0.6)
    axes.set_yticks(range(len(sides)), labels, fontsize=8)
    axes.set_xlabel(
        "share of the largest of its kind: rates, the more the better; calls, the fewer the better"
    )
    return _svg(canvas)


def _is_calls(one: Measured) -> bool:
    return str(one["name"]).startswith("calls per net change, ")


def _family(one: Measured) -> str:
    return str(one["details"].get("of") or "calls")


def _bytes(figures: list[Measured]) -> str:
    one = next((one for one in figures if "topics" in one["details"]), None)
    if one is None:
        return ""
    topics = {name: size for name, size in one["details"]["topics"].items() if size >= 0.01}
    canvas, axes = _canvas(0.35 * len(topics) + 1)
    axes.barh(list(reversed(topics)), list(reversed(topics.values())), color=_OURS, height=0.6)
    axes.set_xlabel("kB a change")
    return _svg(canvas)


def _restart(figures: list[Measured]) -> str:
    found = [one for one in figures if one["details"].get("grid") == "restart"]
    if not found:
        return ""
    canvas, axes = _canvas(3.2)
    for how in ("with state", "from nothing"):
        line = [one for one in found if one["details"]["how"] == how]
        axes.plot(
            [one["details"]["shifts"] for one in line], [one["value"] for one in line], marker="o", label=how
        )
    axes.set_xscale("log")
    axes.set_xlabel("tracked shifts")
    axes.set_ylabel("seconds to ready")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    return _svg(canvas)


def _canvas(height: float) -> tuple[Canvas, Axes]:
    canvas = Canvas(figsize=(10, height), layout="constrained")
    return canvas, canvas.subplots()


def _svg(canvas: Canvas) -> str:
    text = io.StringIO()
    canvas.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    # The page is HTML: what XML has before the picture itself has no place in it.
    return text.getvalue()[text.getvalue().index("<svg") :]


def _distinct(values: Iterable[Any]) -> list[Any]:
    return sorted(set(values))
