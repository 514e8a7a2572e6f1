"""`python -m bench [SCENARIO...]`: measure, print, write down.

Comes in: the command line. Goes out: exit 0 when everything was measured, whether or not targets were reached.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench import machine, report
from bench.processes import BenchFailed
from bench.scenarios import changes, failover, latency, publication, replay, restart, size
from bench.stage import open_stage, say
from tests.kafka import start_kafka

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.figures import Figure
    from bench.stage import Stage
    from tests.kafka import Kafka

    Scenario = Callable[[Stage, int], Awaitable[list[Figure]]]

SCENARIOS: dict[str, Scenario] = {
    "latency": latency.measure,
    "replay": replay.measure,
    "publication": publication.measure,
    "changes": changes.measure,
    "restart": restart.measure,
    "failover": failover.measure,
    "size": size.measure,
}


def main() -> int:
    """Run the scenarios that were asked for."""
    options = _options()
    kafka = start_kafka()
    try:
        say(f"{kafka.name} at {kafka.bootstrap}. {kafka.unproven or ''}".rstrip())
        figures = uvloop.run(_run(options, kafka))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    finally:
        kafka.close()
    described = machine.describe(kafka.name)
    report.show(described, figures)
    print(f"written to {report.write(described, figures)}")
    return 0


async def _run(options: argparse.Namespace, kafka: Kafka) -> list[Figure]:
    figures: list[Figure] = []
    for name in options.scenarios or SCENARIOS:
        say(f"== {name}")
        async with open_stage(kafka.bootstrap, options.profile) as stage:
            figures += await SCENARIOS[name](stage, options.repeat)
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure a worker on the most real Kafka there is, with a stand-in for Google.",
        epilog=f"Scenarios: {', '.join(SCENARIOS)}; all of them unless named.",
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which to run; all unless named")
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
