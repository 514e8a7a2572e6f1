"""Why a shift is on a user's calendar, or is not: what is known, and the sentences that follow from it.

Comes in: nothing. Goes out: `Evidence`, all that was found about one shift in one calendar, and `Explanation`, with the
message behind each reason. Not here: where evidence is found, and what follows from it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from schemas.base import Shape
from schemas.facts import Wish
from schemas.outputs import SyncResult
from schemas.rows import AssignmentRow, PublicationRow, UserRow

Code = Literal[
    # No calendar wants it of this user.
    "never_heard_of",
    "deleted",
    "open_shift",
    "another_users",
    "kind_not_synced",
    "never_published",
    "unpublished",
    "rolled_back",
    "before_published_days",
    "after_published_days",
    "too_old",
    # Nobody writes for this user.
    "not_connected",
    "stopped",
    "calendar_moved",
    "deactivated",
    # It is wanted, and not there as it should be.
    "needs_reauthorization",
    "cannot_write",
    "paused",
    "look_first",
    "refused",
    "drift_deleted",
    "drift_altered",
    "to_insert",
    "to_patch",
    # It is not wanted, and stands there.
    "to_delete",
    "history",
    "kept",
    "held",
    "unheard",
    "left_behind",
    "removal_refused",
    # It is wanted.
    "assigned",
    "published",
    "connected",
    "there",
    # News that is not everywhere yet.
    "unread",
    "on_its_way",
    "unreadable",
    "no_worker",
    "rebuilding",
    "behind",
    "its_turn",
]


class Message(Shape):
    """Where a message stands; `version` is the one that it set. `topic` is its real name."""

    topic: str
    partition: int
    offset: int
    version: int | None = None
    event_id: str | None = None
    occurred_at: AwareDatetime | None = None


class Unread(Shape):
    """A message of an input topic that no worker has taken in yet, and what it is about."""

    about: Literal["shift", "calendar", "user"]
    message: Message


class Unreadable(Shape):
    """A dead letter that names the shift: its number, and why it could not be read."""

    number: str
    reason: str
    error: str
    message: Message


class Flow(Shape):
    """How far the workers are. `workers` None: nobody could say. The counts are of messages that wait to be folded."""

    workers: int | None = None
    rebuilt: bool = True
    inputs: int = 0
    calendar_facts: int = 0
    user_facts: int = 0


class Evidence(Shape):
    """All that is known of one shift in one calendar, for one user.

    `calendar_id` None: no calendar knows the shift. `changed` is the message of the winning version, `turned` that of the
    newest connect, disconnect or deactivation: None where it was not found. `wish`: the shift as the calendar has it for
    this user. `result`: the newest that is told of its event; `placed`: the newest by which it came to stand there.
    """

    agency_id: str
    user_id: str
    shift_id: str
    calendar_id: str | None = None
    assignment: AssignmentRow | None = None
    changed: Message | None = None
    publication: PublicationRow | None = None
    wish: Wish | None = None
    row: UserRow | None = None
    turned: Message | None = None
    result: SyncResult | None = None
    placed: SyncResult | None = None
    unread: tuple[Unread, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    flow: Flow = Flow()


class Reason(Shape):
    """One sentence, and the message behind it, where there is one and it was found."""

    code: Code
    sentence: str
    message: Message | None = None


class Explanation(Shape):
    """The answer: whether the shift is on the calendar, whether that is as it should be, and why.

    `on_calendar`: Google is known to hold an event of it; None: it ended so long ago that nobody knows any more. `in_step`: nothing of it is left to be done or told.
    """

    agency_id: str
    user_id: str
    shift_id: str
    calendar_id: str | None = None
    on_calendar: bool | None
    in_step: bool
    sentence: str
    wish: Wish | None = None
    reasons: tuple[Reason, ...]
