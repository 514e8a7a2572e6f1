"""The way back from Google: whose answers are taken, and once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from portal.connect import PATIENCE
from tests.portal.consents import agreed, asked, held, nothing_happened
from tests.portal.world import Browser, query_of

STATE = "This answer of Google's belongs to no authorization that is under way here"


async def test_an_answer_that_nobody_asked_for(ann: Browser) -> None:
    """A state that is not the session's: refused, and no code is redeemed."""
    await ann.enter()
    question = await asked(ann)
    for state in ("", "x", question["state"][:-1], "question", "said"):
        page = await ann.get(f"/connect/back?{urlencode({'code': '4/abc', 'state': state})}")
        assert page.status == 403
        assert STATE in page.said
    assert (await ann.get("/connect/back")).status == 403
    await nothing_happened(ann.world)
    assert ("oauth.token", "200") not in ann.world.google.journal.calls


async def test_an_answer_in_another_browser(ann: Browser) -> None:
    """Whoever gets hold of the way back cannot go it: neither without a session nor with one of his own."""
    await ann.enter()
    back = await agreed(ann)
    async with ann.world.browser() as stranger, ann.world.browser() as bob:
        assert (await stranger.get(back)).status == 403
        await bob.enter(user="u-18", name="Bob")
        page = await bob.get(back)
        assert page.status == 403
        assert STATE in page.said
    await nothing_happened(ann.world)
    assert await held(ann.world, "u-18") is None
    assert "You are connected" in (await ann.get(back)).said


async def test_an_answer_twice(ann: Browser) -> None:
    """The second time it is refused, and the connection stays as it is."""
    await ann.enter()
    back = await agreed(ann)
    assert "You are connected" in (await ann.get(back)).said
    before = await held(ann.world)
    page = await ann.get(back)
    assert page.status == 403
    assert STATE in page.said
    assert await held(ann.world) == before
    assert len(ann.world.sent.announced) == 1


async def test_an_answer_twice_at_once(ann: Browser) -> None:
    """One of the two is taken."""
    await ann.enter()
    back = await agreed(ann)
    pages = await asyncio.gather(*(ann.get(back, follow=False) for _ in range(4)))
    assert sorted(page.status for page in pages) == [303, 403, 403, 403]
    assert len(ann.world.sent.announced) == 1


async def test_an_answer_that_is_only_looked_at(ann: Browser) -> None:
    """A HEAD request does not use it up."""
    await ann.enter()
    back = await agreed(ann)
    assert (await ann.ask("HEAD", back)).status == 204
    assert "You are connected" in (await ann.get(back)).said


async def test_a_code_of_somebody_else(ann: Browser) -> None:
    """A code that was made for another question is refused by Google, since we show the verifier of ours."""
    await ann.enter()
    async with ann.world.browser() as mallory:
        await mallory.enter(user="u-66", name="Mallory")
        stolen = query_of(await agreed(mallory))["code"]
    question = await asked(ann)
    page = await ann.get(f"/connect/back?{urlencode({'code': stolen, 'state': question['state']})}")
    assert "Google did not tell us which account it is, so nothing was connected." in page.said
    await nothing_happened(ann.world)
    assert ("oauth.token", "400") in ann.world.google.journal.calls


async def test_an_identity_for_another_question(ann: Browser) -> None:
    """An id_token without the nonce of this very question proves nothing."""
    await ann.enter()
    back = await agreed(ann)
    codes = ann.world.google.grants.codes
    code = query_of(back)["code"]
    codes[code] = replace(codes[code], nonce="another")
    assert "nothing was connected" in (await ann.get(back)).said
    await nothing_happened(ann.world)


async def test_an_answer_after_a_long_while(ann: Browser) -> None:
    """Whoever takes too long begins again."""
    await ann.enter()
    back = await agreed(ann)
    ann.world.clock.ahead = PATIENCE + timedelta(seconds=1)
    assert (await ann.get(back)).status == 403
    await nothing_happened(ann.world)


async def test_two_tabs(ann: Browser) -> None:
    """Each of them may be gone on with; a sixth takes the place of the first."""
    await ann.enter()
    backs = [await agreed(ann) for _ in range(6)]
    assert (await ann.get(backs[0])).status == 403
    for back in backs[1:]:
        assert "You are connected" in (await ann.get(back)).said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "status", "method": "oauth.token", "status": 503}, "Google does not answer at the moment"),
        ({"kind": "hang", "method": "oauth.token"}, "Google does not answer at the moment"),
        ({"kind": "html", "method": "oauth.token"}, "Google does not answer at the moment"),
    ],
)
async def test_google_is_away(ann: Browser, fault: dict[str, Any], said: str) -> None:
    """It is said, and nothing is connected."""
    await ann.enter()
    ann.world.google.faults.add(**fault)
    page = await ann.connect()
    assert said in page.said
    await nothing_happened(ann.world)


async def test_a_client_that_google_does_not_know(ann: Browser) -> None:
    """The user is told that it is nothing of his."""
    await ann.enter()
    ann.world.google.grants.clients = {"portal": "another-secret"}
    page = await ann.connect()
    assert "Google does not accept this application at the moment." in page.said
    await nothing_happened(ann.world)
