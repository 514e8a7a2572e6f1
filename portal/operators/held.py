"""Removals that are held: of whom, of which calendars, how many.

In: the vault's projection. Out: `Held`, by calendar and by user. Not here: releasing. Nothing of a shift is in it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.views import View
from streams.codec import decode

if TYPE_CHECKING:
    from schemas.outputs import SyncStatus
    from vault import Person, Vault

#: So many users are looked through: an un-publish that holds more is one line by its calendar all the same.
MOST: Final = 500
_PAGE: Final = 100
_HELD: Final = "held"


class HeldUser(NamedTuple):
    """A user with held removals, by calendar; empty where the user's row has not come yet."""

    status: SyncStatus
    removals: dict[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.removals.values())


class HeldCalendar(NamedTuple):
    """A calendar whose un-publish is held, for so many users with so many removals."""

    agency_id: str
    calendar_id: str
    users: int
    removals: int


class Held(NamedTuple):
    """All that is held. `complete` is false where there are more users than were looked through."""

    users: tuple[HeldUser, ...]
    complete: bool

    @property
    def calendars(self) -> list[HeldCalendar]:
        """By calendar, the largest first."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for user in self.users:
            for calendar, count in user.removals.items():
                found[user.status.agency_id, calendar].append(count)
        calendars = [HeldCalendar(*name, len(counts), sum(counts)) for name, counts in found.items()]
        return sorted(calendars, key=lambda one: (-one.removals, one.agency_id, one.calendar_id))

    @property
    def total(self) -> int:
        """All removals that wait."""
        return sum(user.total for user in self.users)


async def held(vault: Vault) -> Held:
    """Look through everybody who is told of it."""
    users: list[HeldUser] = []
    after: Person | None = None
    while page := await vault.projection.troubled(_HELD, after=after, limit=_PAGE):
        for one in page:
            if len(users) == MOST:
                return Held(tuple(users), complete=False)
            after = (one.status.agency_id, one.status.user_id)
            view = await view_of(vault, *after)
            users.append(HeldUser(one.status, {} if view is None else view.held))
    return Held(tuple(users), complete=True)


async def view_of(vault: Vault, agency_id: str, user_id: str) -> View | None:
    """What is known of a user's row; numbers are taken from it, never a shift."""
    raw = await vault.projection.view(agency_id, user_id)
    return None if raw is None else decode(View, raw)


def is_held(status: SyncStatus | None) -> bool:
    """Whether removals of this user wait for an operator."""
    return status is not None and status.last_error is not None and status.last_error.code == _HELD
