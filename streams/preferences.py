"""A user's preferences, on their way to the agent that owns the user's row.

In: what somebody chose, and when. Out: facts on `user-facts`, delivered; told again they change nothing. Not here: what of
it counts (`planning.preferences`), and who may say so: whoever calls this has made sure.

What counts is the row. Input topics say nothing of preferences, so the database keeps a copy: a form shows it, and a group
that has lost its state is told all of it before any calendar is written.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from schemas.facts import PreferencesSet
from schemas.preferences import Preferences
from streams import codec

if TYPE_CHECKING:
    from streams.names import Names
    from streams.sender import Sender
    from vault import Vault

log = logging.getLogger(__name__)


async def choose(vault: Vault, sender: Sender, names: Names, fact: PreferencesSet) -> None:
    """Tell what a user has chosen, then keep the copy: a form never shows what no calendar will follow."""
    await tell_preferences(sender, names, fact)
    value = fact.preferences.model_dump(exclude_none=True)
    await vault.preferences.put(fact.agency_id, fact.user_id, value, fact.occurred_at)


async def chosen(vault: Vault, agency_id: str, user_id: str) -> Preferences:
    """Return what the user chose last."""
    return Preferences.model_validate(await vault.preferences.get(agency_id, user_id) or {})


async def tell_preferences(sender: Sender, names: Names, fact: PreferencesSet) -> None:
    """Tell what a user has chosen; of several choices the one with the newest `occurred_at` counts."""
    await sender.deliver(names.user_facts, codec.key(fact.agency_id, fact.user_id), codec.encode(fact))


async def tell_all_preferences(vault: Vault, sender: Sender, names: Names) -> None:
    """Tell everybody's preferences, as the database has them."""
    count, last = 0, ("", "")
    while some := await vault.preferences.after(last):
        facts = [
            PreferencesSet(
                agency_id=one.agency_id,
                user_id=one.user_id,
                preferences=Preferences.model_validate(one.value),
                occurred_at=one.at,
            )
            for one in some
        ]
        await asyncio.gather(*(tell_preferences(sender, names, fact) for fact in facts))
        count, last = count + len(some), (some[-1].agency_id, some[-1].user_id)
    if count:
        log.info("users' preferences were told", extra={"decision": "preferences_told", "count": count})
