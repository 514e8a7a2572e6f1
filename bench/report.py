"""What was measured, for a person and for a program.

Comes in: the machine and figures. Goes out: a table on stdout, a JSON file in `bench/results/`. Not here: judgement beyond
"reached" or "missed".
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from bench.figures import Figure

RESULTS = Path(__file__).parent / "results"
_WIDTH = 170


def show(machine: dict[str, Any], figures: list[Figure]) -> None:
    """Print the table."""
    console = Console(width=_WIDTH, highlight=False)
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    console.print(
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, {machine['kafka']}\n{packages}\n"
        "Worker, broker, stand-in and bench share these cores; `others` is what processes that are not ours took meanwhile."
    )
    table = Table("figure", "value", "p99", "target", "", "runs", "ours / others / loadavg", "note")
    for figure in figures:
        load = figure.load
        table.add_row(
            figure.name,
            "[bold]void[/bold]" if figure.void else f"{number(figure.value)} {figure.unit}",
            "" if figure.p99 is None else number(figure.p99),
            target(asdict(figure)),
            {True: "reached", False: "[bold]missed[/bold]", None: ""}[figure.reached],
            " ".join(number(run) for run in figure.runs),
            "" if load is None else f"{load.ours:.1f} / {load.others:.1f} cores / {load.loadavg:.1f}",
            figure.void or figure.note,
        )
    console.print(table)


def write(machine: dict[str, Any], figures: list[Figure]) -> Path:
    """Write the JSON file, named after the time, and return where it stands."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    report = {
        "at": now.isoformat(),
        "machine": machine,
        "figures": [{**asdict(figure), "reached": figure.reached} for figure in figures],
    }
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return path


def target(figure: dict[str, Any]) -> str:
    """Return the target of a figure as a person reads it; empty where it has none."""
    if figure["target"] is None:
        return ""
    sign = {"lower": "<=", "higher": ">=", "equal": "="}[figure["better"]]
    return f"{sign} {figure['target']:,g} {figure['unit']}"


def number(value: float) -> str:
    """Return a number as a person reads it."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"
