"""`python -m bench.publish RESULTS...`: put the figures of runs into docs/performance.md.

Comes in: results files, all of one machine. Goes out: the page's tables, between its marks; `--empty` takes them out. The
text around them is written by hand. A figure of a later file takes the place of the same one in an earlier.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from bench.figures import spread
from bench.processes import ROOT
from bench.report import number
from bench.targets import TARGETS, Target

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_SIGNS = {"lower": "<=", "higher": ">=", "equal": "="}
_NOTHING = "not measured yet"


def main() -> int:
    """Rewrite the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("results", nargs="*", type=Path, metavar="RESULTS", help="JSON files of `make bench`")
    parser.add_argument(
        "--empty", action="store_true", help="publish nothing: every figure is to be measured"
    )
    options = parser.parse_args()
    if bool(options.results) == options.empty:
        parser.error("name results, or say --empty")
    runs = [orjson.loads(path.read_bytes()) for path in options.results]
    if len({_machine(run) for run in runs}) > 1:
        parser.error("these results are of several machines; figures of one table are of one")
    PAGE.write_text(with_tables(PAGE.read_text(), runs))
    print(f"written to {PAGE.relative_to(ROOT)}")
    return 0


def with_tables(text: str, runs: list[dict[str, Any]]) -> str:
    """Return the page's text with the tables of these runs between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for figures: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{_tables(runs)}\n{END}{after}"


def _tables(runs: list[dict[str, Any]]) -> str:
    figures = {one["name"]: one for run in runs for one in run["figures"]}
    head = "| figure | target | measured | spread of runs | others' load |\n|---|---|---|---|---|\n"
    text = head + "".join(_row(target, figures.get(target.name)) for target in TARGETS)
    aimed = {target.name for target in TARGETS}
    others = [one for name, one in figures.items() if name not in aimed]
    if runs:
        text = f"{_where(runs)}\n\n{text}"
    if others:
        text += (
            "\nWhat else was measured:\n\n| figure | measured | spread of runs | note |\n|---|---|---|---|\n"
        )
        text += "".join(
            f"| {one['name']} | {_value(one)} | {_spread(one)} | {one['note']} |\n" for one in others
        )
    return text


def _row(target: Target, one: dict[str, Any] | None) -> str:
    sought = f"{_SIGNS[target.better]} {target.value:,g} {target.unit}"
    if one is None:
        return f"| {target.name} | {sought} | {_NOTHING} | | |\n"
    word = "" if one["reached"] else " (missed)"
    load = f"{one['load']['others']} cores" if one["load"] else ""
    return f"| {target.name} | {sought} | {_value(one)}{word} | {_spread(one)} | {load} |\n"


def _value(one: dict[str, Any]) -> str:
    return f"void: {one['void']}" if one["void"] else f"{number(one['value'])} {one['unit']}"


def _spread(one: dict[str, Any]) -> str:
    return f"{spread(one['runs']):.0%} of {len(one['runs'])}" if len(one["runs"]) > 1 else ""


def _machine(run: dict[str, Any]) -> tuple[object, ...]:
    machine = run["machine"]
    return (machine["cores"], machine["processor"], machine["memory_gib"], machine["python"])


def _where(runs: list[dict[str, Any]]) -> str:
    machine, days = runs[-1]["machine"], sorted({run["at"][:10] for run in runs})
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"Measured {' and '.join(days)} on {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, Python\n"
        f"{machine['python']}, {machine['kafka']};\n{packages}."
    )


if __name__ == "__main__":
    sys.exit(main())
