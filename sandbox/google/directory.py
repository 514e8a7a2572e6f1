"""Accounts and their calendars, in memory. No HTTP, no tokens.

In: addresses, calendar ids. Out: records, or a `GoogleError`; listeners hear of every change.
Not here: events (`calendars.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sandbox.google.errors import GoogleError, duplicate, forbidden, invalid, not_found
from sandbox.google.models import Account, Calendar, Switches
from sandbox.google.times import zone


class Directory:
    """All accounts and calendars of the stand-in."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.switches = Switches()
        self.changes = 0
        self.sync_epoch = 0
        self.listeners: list[Callable[[Calendar], None]] = []

    def clear(self) -> None:
        """Forget everything; listeners stay."""
        self.accounts.clear()
        self.calendars.clear()
        self.switches = Switches()
        self.sync_epoch += 1

    def add_account(self, email: str, time_zone: str = "UTC") -> Account:
        """The account of that address, created with its own calendar if it is new."""
        account = self.accounts.get(email)
        if account is None:
            if not email or "@" not in email or zone(time_zone) is None:
                raise invalid("An account needs an e-mail address and an IANA time zone.")
            account = self.accounts[email] = Account(email)
            self.calendars[email] = Calendar(email, email, email, time_zone)
            self.tell(self.calendars[email])
        return account

    def calendar(self, account: str, calendar_id: str) -> Calendar:
        """A calendar as this account reaches it; `primary` is its own."""
        calendar = self.calendars.get(account if calendar_id == "primary" else calendar_id)
        if calendar is None or (calendar.owner != account and account not in calendar.shared_with):
            raise not_found()
        return calendar

    def calendars_of(self, account: str) -> list[Calendar]:
        """Every calendar on the account's list, its own first."""
        reached = [c for c in self.calendars.values() if c.owner == account or account in c.shared_with]
        return sorted(reached, key=lambda c: c.id != account)

    def add_calendar(
        self, owner: str, summary: str, time_zone: str = "UTC", calendar_id: str | None = None
    ) -> Calendar:
        """A new secondary calendar."""
        if zone(time_zone) is None:
            raise invalid("Invalid value for: timeZone.")
        calendar_id = calendar_id or f"c_{secrets.token_hex(16)}@group.calendar.google.com"
        if calendar_id in self.calendars:
            raise duplicate()
        calendar = self.calendars[calendar_id] = Calendar(calendar_id, owner, summary, time_zone)
        self.tell(calendar)
        return calendar

    def delete_calendar(self, account: str, calendar_id: str) -> None:
        """Delete a secondary calendar; a primary one cannot be deleted."""
        calendar = self.calendar(account, calendar_id)
        if calendar.owner != account:
            raise forbidden()
        if calendar.id == account:
            raise GoogleError(403, "cannotDeletePrimaryCalendar", "Cannot delete the primary calendar.")
        del self.calendars[calendar.id]
        self.tell(calendar)

    def strip_properties(self, email: str, *, strip: bool) -> None:
        """Some accounts lose extended properties: from now on, and on what already stands."""
        account = self.accounts[email]
        account.strip_properties = strip
        for calendar in self.calendars.values() if strip else ():
            if calendar.owner == email:
                for stored in calendar.events.values():
                    stored.resource.pop("extendedProperties", None)

    def tell(self, calendar: Calendar) -> None:
        """Let the listeners know that a calendar has changed."""
        for listener in self.listeners:
            listener(calendar)
