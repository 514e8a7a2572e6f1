"""What people do to our events by hand: noted when a look finds it, and how long it is let stand.

Comes in: a user's row before and after a look, and the agency's policy. Goes out: notes by shift, and whether a note
keeps a wish from being written. A note is a fact, whatever the policy: `restore` pays no heed to it. Not here: the look.

==================  ===========================  ===========================
policy              the event was deleted        the event was altered
==================  ===========================  ===========================
`restore`           inserted again               patched
`respect_deletion`  let stand                    patched
`report`            let stand, and told          let stand, and told
==================  ===========================  ===========================

To let stand means until the shift has another version. What cannot be told from our own doing is never noted: a shift
that is missing is worse than one that comes back once too often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from planning.body import fingerprint
from planning.identity import shift_key
from planning.preferences import policy_for
from planning.window import instant
from schemas.rows import Drift

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from schemas.facts import Wish
    from schemas.policy import Policy
    from schemas.rows import Applied, UserRow


def is_left(note: Drift | None, policy: Policy, *, stands: bool) -> bool:
    """Say whether a wish that is not fulfilled is let be, since that is what somebody made of its event."""
    if note is None or policy.on_drift == "restore":
        return False
    return policy.on_drift == "report" or (note.kind == "deleted" and not stands)


def noted(before: UserRow, after: UserRow, policy: Policy, ours: Collection[str]) -> dict[str, Drift]:
    """Return what is known to be by hand after a look; `ours`: shifts of which we may have written something."""
    connection = before.connection
    if connection.target != after.connection.target or connection.state != "connected":
        return {}
    looked, verified = connection.verified_at, after.connection.verified_at
    # The first look after a connect finds what that connect asks to be put right; a look that is folded again, or later
    # than a newer one, shows what stood there before writes that we know of.
    is_news = looked is not None and verified is not None and looked < verified
    stood, stands = _by_shift(before), _by_shift(after)
    notes: dict[str, Drift] = {}
    policy = policy_for(after, policy)
    for key, wish in _wishes(after):
        was, now = stood.get(key), stands.get(key)
        if now is not None and now.fingerprint == fingerprint(now.calendar_id, now.shift_id, wish, policy):
            continue
        changed = was is not None and (now is None or now.fingerprint != was.fingerprint)
        if key in before.drift or (is_news and changed and key not in ours):
            kind: Literal["deleted", "altered"] = "deleted" if now is None else "altered"
            notes[key] = Drift(kind=kind, version=wish.version, end=instant(wish.end))
    return notes


def of_wishes(row: UserRow) -> dict[str, Drift]:
    """Return the notes of shifts that are still wished for, as they were then; the same ones where none is to go."""
    wanted = {key: wish.version for key, wish in _wishes(row) if key in row.drift}
    kept = {key: note for key, note in row.drift.items() if wanted.get(key) == note.version}
    return row.drift if len(kept) == len(row.drift) else kept


def _wishes(row: UserRow) -> Iterator[tuple[str, Wish]]:
    for calendar_id, calendar in row.calendars.items():
        for shift_id, wish in calendar.wishes.items():
            yield shift_key(calendar_id, shift_id), wish


def _by_shift(row: UserRow) -> dict[str, Applied]:
    """Return the event that counts of each shift: where two generations stand, the older one."""
    found: dict[str, Applied] = {}
    for applied in row.applied.values():
        key = shift_key(applied.calendar_id, applied.shift_id)
        if key not in found or applied.generation < found[key].generation:
            found[key] = applied
    return found
