"""Workers that are killed, frozen, stopped and started again, and whoever keeps them going.

In: a world, what to do to whom. Out: running workers. Like any supervisor it starts a worker again that ended by itself,
and remembers why it did. Nothing here waits: `tick` does what is due.
"""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.e2e.world import Worker, World

#: How a worker may end by itself: Kafka, not Google and no bug, kept it from going on. It is started again.
EXCUSED = re.compile(
    r"ContinuityBroken|DeliveryFailed|KafkaConnectionError|KafkaTimeoutError|RequestTimedOut|RuntimeRefused"
    r"|NodeNotReadyError|CoordinatorNotAvailable|is not subscribed to|assigned partitions|jumping over records"
    r"|could not be delivered|cannot be reached|no Kafka answers|did not answer"
)


@dataclass
class Slot:
    """A place for a worker: its state directory, and what is due."""

    name: str
    worker: Worker | None = None
    wake_at: float | None = None
    start_at: float | None = None
    stopping: bool = False
    read: int = 0
    """How much of the log was looked at."""


@dataclass
class Crew:
    """All workers of a story."""

    world: World
    slots: list[Slot] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)

    def join(self, after: float = 0.0) -> None:
        """One more worker."""
        self.slots.append(Slot(f"w{len(self.slots)}", start_at=time.monotonic() + after))

    def up(self) -> list[Slot]:
        """Slots whose worker runs and is neither frozen nor on its way out."""
        return [s for s in self.slots if s.worker and s.worker.runs and s.wake_at is None and not s.stopping]

    def kill(self, slot: Slot, back_after: float | None) -> None:
        """SIGKILL."""
        assert slot.worker is not None
        slot.worker.kill()
        slot.worker, slot.wake_at = None, None
        slot.start_at = None if back_after is None else time.monotonic() + back_after
        self.counts["kills"] += 1

    def stop(self, slot: Slot, back_after: float | None) -> None:
        """SIGTERM; how it ends is seen later."""
        assert slot.worker is not None
        slot.worker.process.send_signal(signal.SIGTERM)
        slot.stopping = True
        slot.start_at = None if back_after is None else time.monotonic() + back_after
        self.counts["stops"] += 1

    def freeze(self, slot: Slot, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        assert slot.worker is not None
        slot.worker.process.send_signal(signal.SIGSTOP)
        slot.wake_at = time.monotonic() + seconds
        self.counts["freezes"] += 1

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.worker is not None and slot.wake_at is not None and now >= slot.wake_at:
                slot.worker.process.send_signal(signal.SIGCONT)
                slot.wake_at = None
            if slot.worker is not None and not slot.worker.runs:
                self._ended(slot, now)
            if slot.worker is None and slot.start_at is not None and now >= slot.start_at:
                slot.worker, slot.start_at = self.world.start(slot.name), None
                self.counts["starts"] += 1

    def calm(self) -> None:
        """Wake, and start, whoever is not there; wait until all are ready."""
        for slot in self.slots:
            slot.wake_at = None if slot.wake_at is None else 0.0
            slot.start_at = None if slot.start_at is None else 0.0
        deadline = time.monotonic() + 60
        while True:
            self.tick()
            there = [slot for slot in self.slots if slot.worker is not None and not slot.stopping]
            settled = not any(s.stopping or s.start_at is not None for s in self.slots)
            if settled and not there:
                self.join()
            if settled and there and all(s.worker and s.worker.get("/ready")[0] == 200 for s in there):
                return
            if time.monotonic() > deadline:
                tails = "\n".join(s.worker.tail() for s in there if s.worker)
                raise AssertionError(f"workers are not ready in time\n{tails}")
            time.sleep(0.1)

    def _ended(self, slot: Slot, now: float) -> None:
        worker = slot.worker
        assert worker is not None
        log = worker.log.read_text(errors="replace")
        said, slot.read = log[slot.read :], len(log)
        status = worker.process.returncode
        if slot.stopping and status != 0:
            self.crashes.append(f"{slot.name} was stopped and ended with {status}: {_last(said)}")
        if not slot.stopping:
            self.counts["crashes"] += 1
            self.crashes.append(f"{slot.name} ended by itself with {status}: {_last(said)}")
            if not EXCUSED.search(_last(said)):
                self.bugs.append(f"{slot.name} ended by itself with {status}:\n{said[-3_000:]}")
            slot.start_at = now + 0.2
        slot.worker, slot.stopping, slot.wake_at = None, False, None


def _last(log: str) -> str:
    """The line that says why."""
    lines = [line for line in log.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if "critical" in line.lower() or re.match(r"[\w.]+(Error|Broken|Failed|Refused)", line)
    ]
    return (telling or lines or ["nothing"])[-1][:400]
