"""`python -m bench [SCENARIO...]`: measure, print, write down, draw.

Comes in: the command line. Goes out: exit 0 when everything was measured, whether or not targets were reached.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from bench import machine, page, report
from bench.catalogue import SCENARIOS, chosen, estimate
from bench.processes import BenchFailed
from bench.stage import open_stage, say
from bench.targets import aimed
from bench.warm import warm
from tests.kafka import start_kafka

if TYPE_CHECKING:
    from bench.figures import Figure
    from tests.kafka import Kafka


def main() -> int:
    """Run the scenarios that were asked for; what was measured before one failed is kept."""
    options, run = _options(), Run()
    say(estimate(chosen(options.scenarios, with_long=options.long), options.repeat))
    kafka = start_kafka(lasting=True)
    try:
        say(f"{kafka.name} at {kafka.bootstrap}. {kafka.unproven or ''}".rstrip())
        uvloop.run(_run(options, kafka, run))
    finally:
        kafka.close()
        if run.figures:
            _tell(
                machine.describe(kafka.name) | {"repeat": options.repeat, "seconds": run.seconds}, run.figures
            )
    for failed in run.failed:
        print(f"bench: {failed}", file=sys.stderr)
    return 1 if run.failed else 0


@dataclass
class Run:
    """What was measured so far, how long each scenario took, and which could not be measured."""

    figures: list[Figure] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


async def _run(options: argparse.Namespace, kafka: Kafka, run: Run) -> None:
    scenarios = chosen(options.scenarios, with_long=options.long)
    say(f"the broker is warm after {await warm(kafka.bootstrap):,} records")
    for number, (name, scenario) in enumerate(scenarios.items(), 1):
        about = scenario.seconds(options.repeat)
        say(f"== {number} of {len(scenarios)}: {name}, {scenario.what}; some {about:.0f} s")
        began = time.monotonic()
        try:
            async with open_stage(kafka.bootstrap, options.profile) as stage:
                run.figures += [aimed(figure) for figure in await scenario.measure(stage, options.repeat)]
        except BenchFailed as why:
            run.failed.append(f"{name}: {why}")
            say(f"{name} could not be measured: {why}")
        run.seconds[name] = round(time.monotonic() - began, 1)


def _tell(described: dict[str, Any], figures: list[Figure]) -> None:
    report.show(described, figures)
    written = report.write(described, figures)
    print(f"written to {written} and {page.write(written)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure a worker, its peers and its limits on the most real Kafka there is, with a stand-in for Google.",
        epilog="Scenarios: " + ", ".join(name + " (long)" * one.is_long for name, one in SCENARIOS.items()),
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="which to run; those not marked long unless named"
    )
    parser.add_argument("--long", action="store_true", help="run the long ones, too")
    parser.add_argument(
        "--repeat", type=int, default=3, help="runs of each measurement; the median counts (3)"
    )
    parser.add_argument(
        "--profile", type=Path, metavar="DIR", help="let py-spy, if installed, write the worker's stacks here"
    )
    options = parser.parse_args()
    if unknown := [name for name in options.scenarios if name not in SCENARIOS]:
        parser.error(f"there is no scenario {unknown[0]}; there are {', '.join(SCENARIOS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
