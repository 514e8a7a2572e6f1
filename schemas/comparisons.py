"""How a shadow and the live group differ: what `shiftcal shadow diff` prints.

Comes in: nothing. Goes out: shapes of the comparison. Ids, numbers and coordinates; nothing that a schedule says.
"""

from __future__ import annotations

from typing import Literal

from schemas.base import Shape
from schemas.outputs import Action, CausedBy


class Stands(Shape):
    """An event as one of the two holds it."""

    google_event_id: str
    version: int
    fingerprint: str


class Difference(Shape):
    """One shift of one user that the two hold differently. `kind` is how it is with the shadow.

    `write` is what a worker like the shadow would write in the live group's place. `unseen`: why a shadow cannot know
    better, in words; then it says nothing of the code or of the policies. `caused_by` is the message behind the newest
    call about the shift, of the shadow if it made one.
    """

    agency_id: str
    user_id: str
    calendar_id: str
    shift_id: str
    kind: Literal["missing", "extra", "different"]
    write: Literal["delete", "insert", "patch"]
    live: Stands | None = None
    shadow: Stands | None = None
    unseen: str | None = None
    caused_by: CausedBy | None = None

    @property
    def about(self) -> tuple[str, str, str, str]:
        """Return whose shift this is, and which."""
        return self.agency_id, self.user_id, self.calendar_id, self.shift_id


class Turned(Shape):
    """A user whose connection stands differently: other states follow from other messages, or from other code."""

    agency_id: str
    user_id: str
    live: str
    shadow: str


class Waits(Shape):
    """A user of whom nothing can be said yet: one of the two has still work, or a difference may still pass."""

    agency_id: str
    user_id: str
    why: str


class Calls(Shape):
    """What one of the two did for the messages that both have heard: calls by action, and how many messages caused any."""

    actions: dict[Action, int] = {}
    changes: int = 0

    @property
    def calls(self) -> int:
        """Return how many calls were made."""
        return sum(self.actions.values())


class Comparison(Shape):
    """All of it. `behind` is how many messages each of the two has still to process; `alike` how many users do not differ."""

    live_group: str
    shadow_group: str
    behind: dict[str, int]
    users: int
    alike: int
    differences: tuple[Difference, ...]
    turned: tuple[Turned, ...]
    waits: tuple[Waits, ...]
    live_calls: Calls
    shadow_calls: Calls
    live_letters: int
    shadow_letters: int

    @property
    def told(self) -> tuple[Difference, ...]:
        """Return the differences that code or policies make."""
        return tuple(one for one in self.differences if one.unseen is None)

    @property
    def is_settled(self) -> bool:
        """Say whether nothing is still to come."""
        return not self.waits and not any(self.behind.values())

    @property
    def is_equal(self) -> bool:
        """Say whether neither code nor policies make a difference."""
        return self.is_settled and not self.told and not self.turned
