"""Words for the tests of consents: what is held, what is left, and the way to Google and half of the way back."""

from __future__ import annotations

from sandbox.google.core import Choice
from tests.portal.world import ACCOUNT, AGENCY, USER, Browser, World, query_of
from vault import Connection


async def held(world: World, user: str = USER) -> Connection | None:
    """The connection, as a worker finds it."""
    return await world.vault.connection(AGENCY, user)


async def nothing_happened(world: World) -> None:
    """Nobody is connected, nothing was announced, nothing is left in the calendar."""
    assert await held(world) is None
    assert world.sent.announced == []
    assert standing(world) == []


def standing(world: World, calendar: str = ACCOUNT) -> list[str]:
    """What stands in a Google calendar."""
    found = world.google.state.calendars.get(calendar)
    return (
        []
        if found is None
        else [str(e.resource["summary"]) for e in found.events.values() if not e.cancelled]
    )


def tokens(world: World, account: str = ACCOUNT) -> int:
    """How many tokens Google honours."""
    return sum(grant.account == account for grant in world.google.grants.refresh_tokens.values())


async def asked(ann: Browser) -> dict[str, str]:
    """Press the button, and see what Google is asked."""
    answer = await ann.press("/connect", follow=False)
    assert answer.status == 303
    assert answer.location.startswith(ann.world.google.auth_url)
    return query_of(answer.location)


async def agreed(ann: Browser) -> str:
    """Press the button and agree; the way back, which the browser has not gone yet."""
    answer = await ann.press("/connect", follow=False)
    ann.world.google.core.choices.append(Choice(account=ACCOUNT))
    back = await ann.ask("GET", answer.location)
    assert back.location.startswith(f"{ann.world.url}/connect/back?")
    return back.location
