"""The portal as a process, and somebody's browser without JavaScript.

In: a `World`. Out: pages as they are read, buttons to press, the stream of events. Not here: situations.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from tests.e2e.waiting import eventually
from tests.e2e.world import User, World, free_port

SECRET = "not a secret of anybody, but long enough"


class Portal:
    """`shiftcal portal`."""

    def __init__(self, world: World) -> None:
        self.world, self.log, port = world, world.home / "portal.log", free_port()
        self.url = f"http://127.0.0.1:{port}"
        changed = {"SHIFTCAL_PORTAL_PORT": str(port), "SHIFTCAL_PORTAL_HOST_KEY": SECRET}
        self.settings = world.settings | changed
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops", "portal"],
                env=self.settings,
                cwd=world.home,
                stdout=log,
                stderr=log,
            )

    def wait_ready(self) -> None:
        """Wait until it serves."""
        assert eventually(self._serves, bool, seconds=60), self.tail()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=25)

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4_000:]

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/live-check", timeout=5) as answer:  # noqa: S310 - loopback
                return int(answer.status) == 200
        except OSError:
            assert self.process.poll() is None, self.tail()
            return False


class Tab:
    """A user's browser. It follows redirects, to Google's consent page and back, too."""

    def __init__(self, portal: Portal, user: User) -> None:
        self.portal, self.user = portal, user
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.html = ""

    def enter(self) -> None:
        """Come in by a link that the command makes."""
        changed = {"portal_host_key": SECRET, "portal_public_url": self.portal.url}
        done = self.portal.world.must(
            "portal", "link", self.user.agency.id, self.user.id, "--name", "Ann Lee", **changed
        )
        self._open(done.out.strip())

    def look(self) -> str:
        """The page, as it is read."""
        return self._open(self.portal.url + "/")

    def press(self, path: str, **fields: str) -> str:
        """Press a button of the page that is open; the page afterwards."""
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.html)
        assert csrf is not None, self.html
        form = urlencode({"csrf": csrf[1], **fields}).encode()
        return self._open(self.portal.url + path, form)

    def reads(self, text: str) -> str:
        """Wait until this stands on the page."""
        seen = eventually(self.look, lambda page: text in page)
        assert text in seen, f"{seen}\n{self.portal.tail()}"
        return seen

    @contextmanager
    def live(self) -> Iterator[Iterator[str]]:
        """What the page is told while it is open."""
        with self._browser.open(f"{self.portal.url}/live", timeout=60) as stream:
            yield (
                read(str(json.loads(line.removeprefix(b"data: "))["html"]))
                for line in stream
                if line.startswith(b"data: ")
            )

    def _open(self, url: str, form: bytes | None = None) -> str:
        request = urllib.request.Request(url, data=form)  # noqa: S310 - loopback
        with self._browser.open(request, timeout=30) as answer:
            self.html = answer.read().decode()
        return read(self.html)


def read(html: str) -> str:
    """The text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
