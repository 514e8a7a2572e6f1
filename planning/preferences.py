"""Whose word counts on how events look: the agency's, or its user's where the agency leaves it to them.

Comes in: a policy and a user's preferences. Goes out: the policy as it is for this very user, and what of the
preferences counts. They are stored whole and weighed whenever something is planned: one that an agency takes back has
no effect, and has it again once it is given back.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.policy import EVERY_KIND, Policy
from schemas.preferences import Preferences

if TYPE_CHECKING:
    from schemas.facts import PreferencesSet
    from schemas.rows import UserRow

_NONE = Preferences()


def allowed(policy: Policy, preferences: Preferences) -> Preferences:
    """Return what counts of a user's preferences under this policy."""
    chosen = {
        name: getattr(preferences, name) for name in policy.user_may_choose & Preferences.model_fields.keys()
    }
    return Preferences(**chosen)


def policy_for(row: UserRow, policy: Policy) -> Policy:
    """Return the agency's policy as it is for the user of this row; the same object for the same choices."""
    if not policy.user_may_choose or row.preferences == _NONE:
        return policy
    return _chosen(policy, allowed(policy, row.preferences))


def preferred(row: UserRow, fact: PreferencesSet) -> UserRow:
    """Return the row with the newest preferences; of two of one instant the same wins in any order."""
    if row.preferred_at is not None and _rank(fact.occurred_at.timestamp(), fact.preferences) <= _rank(
        row.preferred_at.timestamp(), row.preferences
    ):
        return row
    return row.model_copy(update={"preferences": fact.preferences, "preferred_at": fact.occurred_at})


def _rank(at: float, preferences: Preferences) -> tuple[float, str]:
    return at, preferences.model_dump_json()


@lru_cache(maxsize=10_000)
def _chosen(policy: Policy, preferences: Preferences) -> Policy:
    # Remembered, so that it is the same object: plans that were made already are told apart by it.
    if preferences == _NONE:
        return policy
    changes = preferences.model_dump(exclude_none=True)
    if preferences.colour is not None:
        changes["colour"] = ((EVERY_KIND, preferences.colour),)
    return policy.model_copy(update=changes)
