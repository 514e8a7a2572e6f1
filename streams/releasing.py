"""Letting removals go on that are held: a fact for the agent that owns the calendar or the user.

In: who is released. Out: one record on an internal topic, delivered. Not here: what is held, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from schemas.facts import CalendarReleased, UserReleased
from streams.codec import encode, key
from streams.kafka import sending
from streams.reach import names_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from streams.settings import Settings


async def release_calendar(settings: Settings, agency: str, calendar: str) -> None:
    """Release everybody from the un-publish of this calendar that is held now."""
    fact = CalendarReleased(agency_id=agency, calendar_id=calendar, release_id=str(uuid4()))
    await _send(settings, names_of(settings).calendar_facts, key(agency, calendar), fact)


async def release_user(settings: Settings, agency: str, user: str) -> None:
    """Release whatever of this user is held now."""
    fact = UserReleased(agency_id=agency, user_id=user, release_id=str(uuid4()))
    await _send(settings, names_of(settings).user_facts, key(agency, user), fact)


async def _send(settings: Settings, topic: str, to: bytes, fact: BaseModel) -> None:
    async with sending(settings, [topic]) as sender:
        await sender.deliver(topic, to, encode(fact))
