"""The product as people meet it: topics, a worker and the portal as processes, and links as a host application signs them.

In: a Kafka, the stand-in, a directory. Out: `Deployment`, its agency, its users. Not here: browsers.
The browser finds the portal at 127.0.0.1 and Google at localhost: two sites, so that cookies are held to their rules.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

import jwt

from tests.e2e.google import Google
from tests.e2e.messages import Json, in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, World, free_port, policies

AGENCY = "metro-ems"
AGENCY_NAME = "Metro EMS"
#: An agency whose users get a calendar of its own.
OWN, OWN_NAME = "county-fire", "County Fire"
#: An agency that does not let many events go at once.
WARY, WARY_NAME = "county-ems", "County EMS"
#: An agency that leaves to its users how their events look.
LIBERAL, LIBERAL_NAME = "lake-ems", "Lake EMS"
_NAMES = {AGENCY: AGENCY_NAME, OWN: OWN_NAME, WARY: WARY_NAME, LIBERAL: LIBERAL_NAME}


#: The host application's pages, which may show the portal in a frame; nobody listens there, tests answer for it.
HOST = "http://127.0.0.1:9"


class Portal:
    """`shiftcal portal` as a process."""

    def __init__(self, world: World, settings: dict[str, str]) -> None:
        self.url = settings["SHIFTCAL_PORTAL_PUBLIC_URL"]
        self.log = world.home / "portal.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ops", "portal"], env=settings, cwd=world.home, stdout=log, stderr=log
            )

    def wait_ready(self) -> Self:
        """Wait until it answers."""
        eventually(self._status, lambda seen: seen > 0 or self._process.poll() is not None, seconds=60)
        assert self._process.poll() is None, self.tail()
        return self

    def _status(self) -> int:
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:  # noqa: S310 - loopback
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=25)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4_000:]


class Deployment:
    """Everything that runs, and the host application's key."""

    def __init__(self, bootstrap: str, google: Google, home: Path) -> None:
        port, self._worker_port = free_port(), free_port()
        chosen: dict[str, Json] = {
            OWN: {"target_calendar": "own"},
            WARY: {"hold_removals_over": {"share": 0.5, "count": 2}},
            LIBERAL: {"user_may_choose": ["colour", "details", "show_as", "target_calendar"]},
        }
        self.key = secrets.token_urlsafe(32)
        self.world = World(
            bootstrap,
            f"b{uuid4().hex[:8]}-",
            google,
            home,
            policies=policies(home / "policies.toml", chosen.items()),
            google_auth_url=google.settings["SHIFTCAL_GOOGLE_AUTH_URL"].replace("127.0.0.1", "localhost"),
            portal_port=port,
            portal_public_url=f"http://127.0.0.1:{port}",
            portal_host_key=self.key,
            portal_entries_per_minute=10_000,
            portal_workers=f"http://127.0.0.1:{self._worker_port}",
            portal_frame_ancestors=HOST,
            privacy_url="https://metro-ems.example/privacy",
            terms_url="https://metro-ems.example/terms",
        )
        self.google = google
        self.agency = Agency(self.world, AGENCY)
        self.own_agency, self.wary = Agency(self.world, OWN), Agency(self.world, WARY)
        self.liberal = Agency(self.world, LIBERAL)
        self._users = 0

    def start(self) -> Self:
        """Make the topics, start worker and portal, publish the agencies' calendars."""
        self.world.must("topics", "create")
        worker = self.world.start(http_port=self._worker_port)
        self.portal = Portal(self.world, self.world.settings).wait_ready()
        worker.wait_ready()
        for agency in (self.agency, self.own_agency, self.wary, self.liberal):
            agency.publish()
        return self

    def stop(self) -> None:
        """End everything as an operator would; nothing may have gone wrong on the way."""
        assert self.portal.stop() == 0, self.portal.tail()
        assert "Traceback" not in self.portal.log.read_text(), self.portal.tail()
        worker = self.world.workers[0]
        assert worker.stop() == 0, worker.tail()
        assert "Traceback" not in worker.log.read_text(), worker.tail()
        stats = self.google.stats()
        assert (stats["violations"], stats["overlaps"]) == ([], [])

    def close(self) -> None:
        """End what still runs."""
        if hasattr(self, "portal"):
            self.portal.kill()
        self.world.close()

    def newcomer(self, shifts: int = 3, agency: Agency | None = None, account: str | None = None) -> User:
        """Somebody nobody has seen before, with so many published shifts, one a day from tomorrow on."""
        self._users += 1
        user = User(agency or self.agency, f"u{self._users}", account)
        names = [f"{user.id}-{number}" for number in range(1, shifts + 1)]
        if names:
            user.agency.schedule(
                *(
                    shift(
                        name,
                        user=user.id,
                        title=f"Medic {number} Day",
                        location=f"Station {number % 9 + 1}",
                        start=in_days(number),
                    )
                    for number, name in enumerate(names, 1)
                )
            )
        return user

    def link(self, user: User, name: str = "Anna Berg", **claims: Any) -> str:
        """A link as the host application signs it."""
        now = datetime.now(UTC)
        signed = {
            "aud": "shiftcal",
            "agency": user.agency.id,
            "agency_name": _NAMES[user.agency.id],
            "user": user.id,
            "name": name,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "jti": uuid4().hex,
        } | claims
        token = jwt.encode(signed, self.key, algorithm="HS256")
        return f"{self.portal.url}/enter?{urlencode({'link': token})}"
