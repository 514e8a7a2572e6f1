"""A real PostgreSQL as a child process: a cluster of its own in a temporary directory, on a free port of 127.0.0.1.

In: PostgreSQL's programs, as Debian installs them. Out: a server. Whatever cluster the machine has is left alone. Not here:
which server a test run uses, and databases on it.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from tests import postgres

# Outlives this process by a moment, however it ends (SIGKILL too): when its standard input closes, the server goes. QUIT is
# PostgreSQL's immediate shutdown, which takes the children along.
_GUARD: Final = 'read _; kill -QUIT "$1"; sleep 1; rm -rf "$2"'

# A database of tests may lose everything in a power cut. No socket files: their directory may not be writable.
_OPTIONS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=200",
)


class PostgresDidNotStart(RuntimeError):
    """The server's process ended, or did not answer in time."""


def programs() -> Path | None:
    """The directory of `initdb` and `postgres`; the newest, where Debian has several beside each other."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: int(path.parent.parent.name), default=None)
    return None if newest is None else newest.parent


class LocalPostgres:
    """One server of our own; every method blocks."""

    def __init__(self) -> None:
        """Make a cluster and start the server on it."""
        found = programs()
        if found is None:
            raise PostgresDidNotStart("neither initdb nor /usr/lib/postgresql is here: install postgresql")
        self._programs = found
        self._home = Path(tempfile.mkdtemp(prefix="shiftcal-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        password = secrets.token_urlsafe()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = int(free.getsockname()[1])
        self.url = f"postgresql+asyncpg://shiftcal:{password}@127.0.0.1:{self._port}/postgres"
        version = subprocess.check_output([found / "postgres", "--version"], text=True).split()[2]
        self.name = f"PostgreSQL {version}"
        try:
            self._make_cluster(password)
            self.start()
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """End the server at once, as a crash would; its data stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # its immediate shutdown: nobody is waited for
            self._process.wait(timeout=30)
            self._process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def start(self) -> None:
        """Start the server, the first time or after a `stop`, on the same port and data."""
        options = [word for option in (*_OPTIONS, f"port={self._port}") for word in ("-c", option)]
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C goes to the whole group: the server must outlive the tests' own tear-down.
                start_new_session=True,
                **self._as_server(),
            )
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", str(self._process.pid), self._home],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_ready(self._process, deadline=time.monotonic() + 60)

    def close(self) -> None:
        """End the server and remove its data."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _make_cluster(self, password: str) -> None:
        secret = self._home / "password"
        secret.write_text(password)
        for path in (self._home, secret):
            _give_to_server(path)
        who = ["--username=shiftcal", f"--pwfile={secret}", "--auth=scram-sha-256"]
        done = subprocess.run(
            [self._programs / "initdb", *who, "--no-sync", "--encoding=UTF8", "--locale=C", self._data],
            capture_output=True,
            text=True,
            check=False,
            **self._as_server(),
        )
        if done.returncode:
            raise PostgresDidNotStart(f"initdb failed: {(done.stdout + done.stderr).strip()[-2000:]}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                postgres.statement(self.url, "SELECT 1")
            except (OSError, DBAPIError):
                time.sleep(0.1)
            else:
                return
        log = (self._home / "server.log").read_text(errors="replace")
        raise PostgresDidNotStart(f"PostgreSQL did not start: {log.strip()[-2000:]}")

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _as_server(self) -> dict[str, Any]:
        user = _server_user()
        mine: dict[str, Any] = {"cwd": self._home}
        return (
            mine if user is None else mine | {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        )


def _server_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: it refuses to be root. None where we are somebody else already."""
    if os.geteuid():
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _give_to_server(path: Path) -> None:
    user = _server_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
