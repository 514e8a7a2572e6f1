"""The machine, and who else uses it.

Comes in: `/proc`. Goes out: what stands at the top of a report, and the `Load` of a while: how much of the machine was
ours and how much somebody else's. Linux only.
"""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("faust-streaming", "aiokafka", "aiohttp", "aiogoogle", "pydantic", "rocksdict", "uvloop")


def describe(kafka: str) -> dict[str, Any]:
    """Return what a reader has to know to compare figures."""
    memory = next(line for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ": unknown")
    return {
        "cores": os.cpu_count(),
        "processor": model.partition(":")[2].strip(),
        "memory_gib": round(int(memory.split()[1]) / 2**20, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "kafka": kafka,
        "packages": {name: version(name) for name in _PACKAGES},
    }


@dataclass(frozen=True, slots=True)
class Load:
    """The machine during a measurement, in cores; `others` is what processes that are not ours used."""

    seconds: float
    ours: float
    others: float
    loadavg: float


class Clock:
    """Started at the beginning of a measurement, read at its end."""

    def __init__(self) -> None:
        self._at, self._busy, self._ours = time.monotonic(), _busy(), _family()

    def load(self) -> Load:
        """Return the load since the start."""
        seconds = max(time.monotonic() - self._at, 1e-3)
        ours = (_family() - self._ours) / seconds
        busy = (_busy() - self._busy) / seconds
        return Load(
            round(seconds, 2), round(max(0.0, ours), 2), round(max(0.0, busy - ours), 2), os.getloadavg()[0]
        )


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, all its threads together."""
    return _ticks(_stat(pid))


def resident_mb(pid: int, *, peak: bool = False) -> float:
    """Return a process' resident memory in MB, now or at its highest."""
    name = "VmHWM" if peak else "VmRSS"
    line = next(line for line in _lines(f"/proc/{pid}/status") if line.startswith(name))
    return int(line.split()[1]) * 1024 / 1e6


def open_files(pid: int, folder: Path) -> tuple[int, int]:
    """Return how many files in this folder a process has open, and how many other descriptors: sockets, mostly."""
    inside = others = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed while we looked
            if one.readlink().is_relative_to(folder):
                inside += 1
            else:
                others += 1
    return inside, others


def _busy() -> float:
    user, nice, system, _idle, _wait, irq, soft, *_ = (int(n) for n in _lines("/proc/stat")[0].split()[1:])
    return (user + nice + system + irq + soft) / TICK


def _family() -> float:
    """Return the processor time of this process and all its descendants."""
    stats: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))):
            stats[int(entry.name)] = stat
    family = found = {os.getpid()}
    while found:
        found = {pid for pid, stat in stats.items() if int(stat[1]) in family} - family
        family = family | found
    return sum(_ticks(stats[pid], 4) for pid in family if pid in stats)


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it ended while we looked
    return text.rpartition(")")[2].split()  # the command's name before may hold anything


def _ticks(stat: list[str], fields: int = 2) -> float:
    """Return user and system time; with four fields those of children that ended too."""
    return sum(int(field) for field in stat[11 : 11 + fields]) / TICK


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
