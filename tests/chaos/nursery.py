"""Workers without the second that each needs for its imports: a process that has imported all, and forks.

In: settings, a log, arguments of the command. Out: `Child`, a process as `subprocess` would give it. What runs in it is
the command itself, `shiftcal worker`; only the start is cheaper, so that stories can kill and start as they like.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Self

from tests.e2e.google import ROOT
from tests.e2e.world import Worker, World, free_port


class Nursery:
    """The process that forks. When it ends, so do its children."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question: Any) -> Any:
        """One question, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)


class Child:
    """A forked process."""

    def __init__(self, nursery: Nursery, log: Path, cwd: Path, env: dict[str, str], *arguments: str) -> None:
        self._nursery = nursery
        self.returncode: int | None = None
        self.pid = int(nursery.ask(log=str(log), cwd=str(cwd), env=env, arguments=arguments))

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        if self.returncode is None:
            self.returncode = self._nursery.ask(poll=self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to it, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 30) -> int:
        """Wait for its end."""
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout)
            time.sleep(0.01)
        return status


class ForkedWorker(Worker):
    """A worker that was forked."""

    def __init__(self, world: World, nursery: Nursery, name: str, settings: dict[str, str]) -> None:
        self.log = world.home / f"{name}.log"
        self.url = f"http://127.0.0.1:{settings['SHIFTCAL_HTTP_PORT']}"
        self.process: Any = Child(nursery, self.log, world.home, settings, "worker")


class NurseryWorld(World):
    """A deployment whose workers are forked."""

    nursery: Nursery

    def start(self, name: str = "worker", *_: str, **settings: object) -> Worker:
        """A worker with a state directory of its own, not waited for."""
        changed = {"state_dir": self.home / f"state-{name}", "http_port": free_port()} | settings
        environment = self.settings | {f"SHIFTCAL_{key.upper()}": str(v) for key, v in changed.items()}
        worker = ForkedWorker(self, self.nursery, name, environment)
        self.workers.append(worker)
        return worker


# In the process that forks

_PR_SET_PDEATHSIG = 1


def _fork(question: dict[str, Any]) -> int:
    if pid := os.fork():
        return pid
    status = 70
    try:
        # However the nursery ends, no worker outlives it.
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        log = os.open(question["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.chdir(question["cwd"])
        os.environ.clear()
        os.environ.update(question["env"])
        from ops.main import status as command  # noqa: PLC0415  imported long before the fork

        status = command(question["arguments"])
    except BaseException:  # noqa: BLE001 - a child must never return into its parent's loop
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _poll(pid: int, ended: dict[int, int]) -> int | None:
    if pid not in ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            return None
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended[pid]


def main() -> None:
    """Fork and reap until standard input ends."""
    import ops.main  # noqa: F401, PLC0415
    import streams.worker  # noqa: F401, PLC0415  everything that a worker needs

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children: list[int] = []
    ended: dict[int, int] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "poll" in question:
            print(json.dumps(_poll(question["poll"], ended)), flush=True)
        else:
            children.append(_fork(question))
            ended.pop(children[-1], None)  # a number that was another child's before
            print(json.dumps(children[-1]), flush=True)
    for pid in children:
        if _poll(pid, ended) is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
