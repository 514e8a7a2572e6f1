"""The `CalendarPort` over Google in memory: consents, faults on demand, and no HTTP.

Comes in: grants and calls, like `client`. Goes out: the same answers and exceptions. Not here: events (`memory`).
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from pydantic import SecretStr

from gcal.memory import MemoryGoogle
from gcal.port import Grant, Page
from schemas.answers import Answer
from schemas.errors import GrantLost, ShiftcalError
from schemas.mutations import Call


class MemoryCalendars:
    """The `CalendarPort` over a `MemoryGoogle`: `primary` is the calendar named like the account."""

    def __init__(self, google: MemoryGoogle | None = None) -> None:
        self.google = google or MemoryGoogle()
        self._accounts: dict[str, str] = {}
        self._faults: deque[tuple[ShiftcalError, bool]] = deque()

    def connect(self, account: str) -> SecretStr:
        """Consent for an account; returns the refresh token to put into a `Grant`."""
        token = f"1//{account}/{len(self._accounts)}"
        self._accounts[token] = account
        return SecretStr(token)

    def fail(self, error: ShiftcalError, *, after_commit: bool = False) -> None:
        """Fail the next call or page with this error, before or (a lost answer) after it was done."""
        self._faults.append((error, after_commit))

    async def call(self, grant: Grant, google_calendar: str, call: Call) -> Answer:
        """Make one call about one event."""
        place = self._place(grant, google_calendar)
        fault = self._fault()
        answer = self.google.apply(place, call)
        if fault is not None:
            raise fault
        return answer

    async def list_page(
        self,
        grant: Grant,
        google_calendar: str,
        agency_id: str,
        ended_after: datetime,
        page_token: str | None,
    ) -> Page:
        """Return one page of a listing."""
        place = self._place(grant, google_calendar)
        fault = self._fault()
        if fault is not None:
            raise fault
        return self.google.list(place, agency_id, ended_after, page_token)

    async def revoke(self, refresh_token: SecretStr) -> None:
        """Forget the consent, and every other one of the same account, as Google does."""
        account = self._accounts.get(refresh_token.get_secret_value())
        self._accounts = {token: owner for token, owner in self._accounts.items() if owner != account}

    def forget(self, agency_id: str, user_id: str) -> None:
        """Nothing of a user's access is remembered here."""

    async def close(self) -> None:
        """Close nothing."""

    def _place(self, grant: Grant, google_calendar: str) -> str:
        account = self._accounts.get(grant.refresh_token.get_secret_value())
        if account is None:
            raise GrantLost(
                "invalid_grant", "Google does not know this consent any more; connect the user again."
            )
        return account if google_calendar == "primary" else google_calendar

    def _fault(self) -> ShiftcalError | None:
        """Return the error to raise after the work is done; one that comes before it is raised here."""
        if not self._faults:
            return None
        error, after_commit = self._faults.popleft()
        if not after_commit:
            raise error
        return error
