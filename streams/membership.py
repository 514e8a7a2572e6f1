"""Who this worker is in its group: a name that the operator gave, or a random word kept in the state directory; and a lock on it.

In: the state directory, and perhaps a name. Out: the static member's instance id, valid while the lock is held. Not here:
anything about Kafka.
The lock comes first because two live processes with one instance id take all partitions from each other every two seconds,
without any error, and both run their lanes.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from streams.errors import RuntimeRefused, StateUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class StateDirLocked(RuntimeRefused):
    """Another worker runs with this state directory."""


@contextmanager
def membership(state_dir: Path, name: str | None = None) -> Iterator[str]:
    """Hold the directory for this process and give its instance id: the name, where there is one."""
    with _opened(state_dir) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateDirLocked(
                f"another worker (process {_owner(lock.fileno())}) uses the state directory {state_dir}; "
                "stop it, or give this one a directory of its own with SHIFTCAL_STATE_DIR",
            ) from None
        try:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            instance = name or _instance_id(state_dir / "instance-id")
        except OSError as error:
            raise _unusable(state_dir, error) from error
        yield instance


def _opened(state_dir: Path) -> IO[str]:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        return (state_dir / "lock").open("a+")
    except OSError as error:
        raise _unusable(state_dir, error) from error


def _unusable(state_dir: Path, error: OSError) -> StateUnusable:
    return StateUnusable(
        f"the state directory {state_dir} cannot be written ({error.strerror}): make room, or set SHIFTCAL_STATE_DIR to "
        "a directory of its own for this worker"
    )


def _instance_id(path: Path) -> str:
    try:
        if known := path.read_text().strip():
            return known
    except FileNotFoundError:
        pass  # the first start with this directory
    word = f"shiftcal-{secrets.token_hex(8)}"
    # Written aside and renamed, so that a crash leaves either no id or a whole one.
    fresh = path.with_suffix(".new")
    fresh.write_text(word)
    fresh.replace(path)
    return word


def _owner(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
