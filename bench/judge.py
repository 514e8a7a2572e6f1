"""Whether the calendars are as the load wants them; a figure of whoever left them wrong is void.

Comes in: a crew, the newest version of each shift, the stand-in. Goes out: what is wrong, or nothing. Not here: speed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.crew import Crew
    from bench.google import Google


async def wrong(google: Google, crew: Crew, versions: Mapping[int, int]) -> str:
    """Return what is wrong, in a few words; empty where every calendar is right."""
    missing = differing = extra = 0
    for number, user in enumerate(crew.names()):
        shifts = crew.shifts[number * crew.each : (number + 1) * crew.each]
        wanted = {crew.event(shift): _wanted(crew.shift(shift, versions[shift])) for shift in shifts}
        standing = {event["id"]: _standing(event) for event in await google.events(crew.account(user))}
        missing += len(wanted.keys() - standing.keys())
        extra += len(standing.keys() - wanted.keys())
        differing += sum(standing[event] != wanted[event] for event in wanted.keys() & standing.keys())
    found = {"missing": missing, "not as sent last": differing, "too many": extra}
    return ", ".join(f"{count} events {what}" for what, count in found.items() if count)


def _wanted(shift: dict[str, Any]) -> tuple[object, ...]:
    return (shift["title"], shift["location"], shift["notes"], _utc(shift["start"]), _utc(shift["end"]))


def _standing(event: dict[str, Any]) -> tuple[object, ...]:
    texts = (event.get("summary"), event.get("location"), event.get("description"))
    return (*texts, _utc(event["start"]["dateTime"]), _utc(event["end"]["dateTime"]))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
