"""The Google stand-in as a process of its own, and what a test does to it: look, alter, break.

In: options of the process. Out: calendars, calls, faults, over its admin routes. Nothing of the product.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

from tests.e2e.messages import Json

ROOT = Path(__file__).parent.parent.parent


class Google:
    """A running stand-in."""

    def __init__(self, *options: str, start: tuple[str, ...] = ("-m", "sandbox.google")) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *start, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip().removeprefix("listening on ")
        assert self.url, "the stand-in did not start"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=20)

    @property
    def settings(self) -> dict[str, str]:
        """Where the product finds it."""
        urls = {"API": "", "TOKEN": "/token", "REVOKE": "/revoke", "AUTH": "/o/oauth2/v2/auth"}
        return {f"SHIFTCAL_GOOGLE_{name}_URL": self.url + path for name, path in urls.items()}

    def ask(self, verb: str, path: str, body: Any = None, **query: object) -> Any:
        """One admin route."""
        tail = f"?{urlencode(query)}" if query else ""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/_standin/{path}{tail}",
            method=verb,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.loads(answer.read())

    def account(self, account: str) -> str:
        """A refresh token for this account, which is made if it is new."""
        return str(self.ask("POST", "accounts", {"account": account})["refresh_token"])

    def alter_account(self, account: str, **changes: object) -> None:
        """Strip its properties, and so on."""
        self.ask("PATCH", f"accounts/{quote(account)}", changes)

    def grants(self, account: str) -> int:
        """How many refresh tokens Google honours for this account."""
        found = self.ask("GET", "accounts")["accounts"]
        return next(int(one["refresh_tokens"]) for one in found if one["account"] == account)

    def events(self, calendar: str, *, deleted: bool = False) -> list[Json]:
        """What stands in a calendar."""
        query = {"deleted": 1} if deleted else {}
        return list(self.ask("GET", f"calendars/{quote(calendar)}/events", **query)["items"])

    def event(self, calendar: str, event: str) -> Json | None:
        """One event, cancelled ones too."""
        try:
            return dict(self.ask("GET", f"calendars/{quote(calendar)}/events/{event}"))
        except urllib.error.HTTPError as error:
            with error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
            return None

    def add(self, calendar: str, body: Json) -> Json:
        """An event of the user's own making, with the id that it brings."""
        return dict(self.ask("POST", f"calendars/{quote(calendar)}/events", body))

    def alter(self, calendar: str, event: str, body: Json) -> Json:
        """An event as the user alters it."""
        return dict(self.ask("PATCH", f"calendars/{quote(calendar)}/events/{event}", body))

    def delete(self, calendar: str, event: str) -> None:
        """An event as the user deletes it."""
        self.ask("DELETE", f"calendars/{quote(calendar)}/events/{event}")

    def burn(self, calendar: str, event: str, how: str) -> None:
        """An id that Google never gives again."""
        self.ask("PUT", f"calendars/{quote(calendar)}/burnt/{event}", {"how": how})

    def fault(self, kind: str, **options: object) -> int:
        """A bad day; its number."""
        return int(self.ask("POST", "faults", {"kind": kind, **options})["faults"][0]["id"])

    def mend(self, fault: int) -> None:
        """Lift a fault."""
        self.ask("DELETE", f"faults/{fault}")

    def journal(self, since: int = 0) -> list[Json]:
        """Every request since."""
        return list(self.ask("GET", "journal", since=since)["entries"])

    def mark(self) -> int:
        """Where the journal stands."""
        return int(self.ask("GET", "stats")["entries"])

    def stats(self) -> Json:
        """Counters and violations."""
        return dict(self.ask("GET", "stats"))
