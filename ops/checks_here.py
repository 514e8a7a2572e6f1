"""Checks of `doctor` on this machine: policies, and the state directory.

In: settings. Out: findings. Nothing is written, and no lock is taken: a worker may be about to start.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.findings import Finding
from streams.policies import load_policies

if TYPE_CHECKING:
    from ops.findings import Outcome
    from streams.settings import Settings

_GIB: Final = 1 << 30
#: Below the first, a worker will not run for long; below the second, it will not run.
_LITTLE, _NONE = 1 * _GIB, _GIB // 10


async def policies(settings: Settings) -> list[Finding]:
    """Read the agencies' policies, and try their templates."""
    found = load_policies(settings.policies)
    if settings.policies is None:
        return [Finding("policies", "ok", "no file is set: every agency has the defaults")]
    count = len(found.agencies)
    return [Finding("policies", "ok", f"{settings.policies}: read, with {count} agencies of their own")]


async def state_directory(settings: Settings) -> list[Finding]:
    """Look whether a worker could keep its tables there."""
    path, name = settings.state_dir, "state directory"
    if settings.store == "memory":
        said = "SHIFTCAL_STORE is memory: state is recovered from the changelogs at each start"
        return [Finding(name, "warning", said, "set SHIFTCAL_STORE=rocksdb for anything but tests")]
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        said = f"{path} cannot be written"
        return [
            Finding(
                name,
                "failed",
                said,
                "give this user the right, or set SHIFTCAL_STATE_DIR to another directory",
            )
        ]
    free = shutil.disk_usage(there).free
    said = f"{path}: {'writable' if there == path.absolute() else 'will be made'}, {free / _GIB:.1f} GiB free{_user(path)}"
    if free < _LITTLE:
        outcome: Outcome = "failed" if free < _NONE else "warning"
        return [
            Finding(
                name, outcome, said, "make room, or set SHIFTCAL_STATE_DIR to a directory on a larger disk"
            )
        ]
    return [Finding(name, "ok", said)]


def _user(state_dir: Path) -> str:
    """Say which worker uses the directory, if one does: it writes its process id into the lock."""
    try:
        process = int((state_dir / "lock").read_text())
        os.kill(process, 0)
    except (OSError, ValueError):
        return ""  # no lock, an empty one, or one that was left behind
    return f", in use by process {process}"
