"""The parts of one stand-in, held together for the routes.

In: nothing. Out: state, tokens, journal, faults, quota and the check, which all routes of one server share.
Not here: HTTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sandbox.google.calendars import State
from sandbox.google.discovery import Discovery
from sandbox.google.faults import Faults
from sandbox.google.grants import Grants
from sandbox.google.journal import Journal
from sandbox.google.quota import Quota
from sandbox.google.stream import Hub


@dataclass(slots=True)
class Choice:
    """What the person on the consent page will do."""

    account: str | None = None
    scopes: frozenset[str] | None = None
    deny: bool = False


@dataclass(slots=True)
class Core:
    """Everything that the routes work on."""

    state: State = field(default_factory=State)
    grants: Grants = field(default_factory=Grants)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    quota: Quota = field(default_factory=Quota)
    hub: Hub = field(default_factory=Hub)
    discovery: Discovery | None = None
    latency_s: float = 0.0
    choices: list[Choice] = field(default_factory=list)
    """Consents to come, first one first; without any everything is granted."""
    consent_page: bool = False
    """Whether people in browsers decide, where no choice waits."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def connect(self, account: str, scopes: frozenset[str], client_id: str | None = None) -> tuple[str, str]:
        """The account, and a refresh and an access token for it, as if its person had just consented."""
        self.state.add_account(account)
        return self.grants.issue_refresh(account, scopes, client_id), self.grants.issue_access(
            account, scopes
        )

    def reset(self) -> None:
        """Back to the beginning: no accounts, tokens, faults, limits or entries."""
        self.state.clear()
        self.grants.clear()
        self.journal.clear()
        self.faults.clear()
        self.quota.__init__()  # type: ignore[misc]
        self.choices.clear()
        self.consent_page = False
        self.latency_s = 0.0
        self.hub.notes.clear()
        self.hub.touch()
