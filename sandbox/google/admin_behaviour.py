"""The admin routes that decide how the stand-in behaves: faults, quota, settings, a fresh start.

In: JSON. Out: what is in force now. The table of routes is in `admin.py`.
Not here: accounts, calendars, evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.google.discovery import Discovery, load
from sandbox.google.errors import Json, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from sandbox.google.core import Core


class BehaviourAdmin:
    """Good days and bad ones, without a token."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def table(self) -> list[tuple[str, str, Callable[[web.Request, Json], Json]]]:
        """Verb, path and operation of each route."""
        return [
            ("GET", "faults", self._faults),
            ("POST", "faults", self._add_faults),
            ("DELETE", "faults", self._drop_faults),
            ("DELETE", "faults/{id}", self._drop_faults),
            ("GET", "quota", self._quota),
            ("PUT", "quota", self._quota),
            ("GET", "settings", self._settings),
            ("PUT", "settings", self._settings),
            ("POST", "sync-tokens/expire", self._expire_sync_tokens),
            ("POST", "notes", self._note),
            ("POST", "reset", self._reset),
        ]

    def _faults(self, _: web.Request, __: Json) -> Json:
        return {"faults": self._core.faults.to_json()}

    def _add_faults(self, _: web.Request, body: Any) -> Json:
        given = body if isinstance(body, list) else [body]
        ids = {self._core.faults.add_json(one).id for one in given}
        return {"faults": [fault for fault in self._core.faults.to_json() if fault["id"] in ids]}

    def _drop_faults(self, request: web.Request, _: Json) -> Json:
        if "id" in request.match_info:
            self._core.faults.remove(int(request.match_info["id"]))
        else:
            self._core.faults.clear()
        return {"faults": self._core.faults.to_json()}

    def _quota(self, _: web.Request, body: Json) -> Json:
        self._core.quota.configure(body)
        return self._core.quota.to_json()

    def _settings(self, _: web.Request, body: Json) -> Json:
        core = self._core
        for name, value in body.items():
            match name:
                case "latency_ms":
                    core.latency_s = float(value) / 1000
                case "check":
                    document = load() if value else None
                    core.discovery = None if document is None else Discovery(document)
                case "keep_bodies":
                    core.journal.keep_bodies = bool(value)
                case "consent_page" if isinstance(value, bool):
                    core.consent_page = value
                case "access_token_lifetime_s":
                    core.grants.lifetime_s = int(value)
                case "forbid_blind_revival" | "bare_cancelled" | "empty_pages" if isinstance(value, bool):
                    setattr(core.state.switches, name, value)
                case "page_cap" if value is None or (type(value) is int and value > 0):
                    core.state.switches.page_cap = value
                case _:
                    raise invalid(f"There is no setting {name} of {value!r}.")
        switches = core.state.switches
        return {
            "latency_ms": core.latency_s * 1000,
            "check": core.discovery is not None,
            "keep_bodies": core.journal.keep_bodies,
            "consent_page": core.consent_page,
            "access_token_lifetime_s": core.grants.lifetime_s,
            "forbid_blind_revival": switches.forbid_blind_revival,
            "bare_cancelled": switches.bare_cancelled,
            "page_cap": switches.page_cap,
            "empty_pages": switches.empty_pages,
        }

    def _expire_sync_tokens(self, _: web.Request, __: Json) -> Json:
        self._core.state.sync_epoch += 1
        return {}

    def _note(self, _: web.Request, body: Json) -> Json:
        self._core.hub.note(str(body["text"]))
        return {}

    def _reset(self, _: web.Request, body: Json) -> Json:
        if body.get("journal_only"):
            self._core.journal.clear()
            self._core.quota.clear()
        else:
            self._core.reset()
        return {}
