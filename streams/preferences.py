"""A user's preferences, on their way to the agent that owns the user's row.

In: what somebody chose, and when. Out: a fact on `user-facts`, delivered; told again it changes nothing. Not here: what of
it counts (`planning.preferences`), and who may say so: whoever calls this has made sure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.facts import PreferencesSet
from streams import codec

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.preferences import Preferences
    from streams.names import Names
    from streams.sender import Sender


async def tell_preferences(
    sender: Sender, names: Names, who: tuple[str, str], preferences: Preferences, at: datetime
) -> None:
    """Tell what the user (agency and user) has chosen; of several the one with the newest `at` counts."""
    fact = PreferencesSet(agency_id=who[0], user_id=who[1], preferences=preferences, occurred_at=at)
    await sender.deliver(names.user_facts, codec.key(*who), codec.encode(fact))
