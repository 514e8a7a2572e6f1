"""`python -m tests.chaos --seeds 100`: story after story, each with its seed and figures, and a summary."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.chaos.nursery import Nursery
from tests.chaos.story import Verdict, run
from tests.kafka_java import JavaKafka

#: Stories a broker serves: topics pile up, and a broker with thousands of partitions restarts slowly.
SERVES = 8


def main() -> int:
    """Run the stories; 1 where one ended wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many stories")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--messages", type=int, default=500, help="messages in each story, about")
    parser.add_argument("--seconds", type=float, default=14, help="how long a story is told")
    parser.add_argument("--keep", type=Path, help="where the workers' logs are kept")
    options = parser.parse_args()
    verdicts: list[Verdict] = []
    kafka: JavaKafka | None = None
    nursery = Nursery()
    try:
        seeds = range(options.first, options.first + options.seeds)
        # Whatever is printed meanwhile stands above the bar; without a terminal there is none.
        for number, seed in enumerate(track(seeds, "stories", console=Console(soft_wrap=True))):
            if number % SERVES == 0:
                if kafka is not None:
                    kafka.close()
                kafka = JavaKafka()
            assert kafka is not None
            verdicts.append(_one(kafka, nursery, seed, options))
    finally:
        nursery.__exit__()
        if kafka is not None:
            kafka.close()
    wrong = [verdict for verdict in verdicts if verdict.complaints]
    total = {name: sum(v.figures.get(name, 0) for v in verdicts) for name in verdicts[0].figures}
    print(f"{len(verdicts)} stories, {len(wrong)} wrong {[one.seed for one in wrong]}")
    print(" ".join(f"{name} {value:g}" for name, value in total.items()))
    return 1 if wrong else 0


def _one(kafka: JavaKafka, nursery: Nursery, seed: int, options: argparse.Namespace) -> Verdict:
    home = Path(tempfile.mkdtemp(prefix=f"shiftcal-chaos-{seed}-"))
    try:
        verdict = run(kafka, nursery, seed, home, messages=options.messages, seconds=options.seconds)
    except Exception:  # noqa: BLE001 - one story that breaks the harness does not keep the others from being told
        verdict = Verdict(seed, [f"the harness broke: {traceback.format_exc()}"])
    print(verdict.line(), flush=True)
    if verdict.complaints:
        for text in (*verdict.complaints, *verdict.log):
            print("   ", text, flush=True)
    if options.keep:
        shutil.copytree(home, options.keep / f"seed-{seed}", dirs_exist_ok=True, ignore=_state)
        Path(options.keep, f"seed-{seed}", "story.log").write_text("\n".join(verdict.log) + "\n")
    shutil.rmtree(home, ignore_errors=True)
    return verdict


def _state(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("state")]


if __name__ == "__main__":
    sys.exit(main())
