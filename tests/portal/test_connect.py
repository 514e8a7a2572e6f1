"""Authorize: what a consent becomes, and what is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from gcal.consent import SCOPE_EVENTS_OWNED
from gcal.port import SCOPE_APP_CREATED
from portal.connect import PATIENCE
from sandbox.google import StandIn
from sandbox.google.core import Choice
from schemas.policy import Policies, Policy
from tests.portal.world import ACCOUNT, AGENCY, USER, Answer, Browser, World, query_of, world_of
from vault import Connection

STATE = "This answer of Google's belongs to no authorization that is under way here"
OWN = Policies(default=Policy(target_calendar="own"))


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


async def test_a_consent(ann: Browser) -> None:
    """The user is connected with a token that works, the connect is announced, and the test left nothing behind."""
    await ann.enter()
    page = await ann.connect()
    assert page.url == f"{ann.world.url}/"
    assert f"You are connected as {ACCOUNT}. The test of your calendar went well." in page.said
    assert "Connected, starting" in page.said
    connection = await held(ann.world)
    assert connection is not None
    assert (connection.google_account, connection.google_calendar_id) == (ACCOUNT, "primary")
    assert SCOPE_EVENTS_OWNED in connection.scopes
    assert connection.refresh_token.get_secret_value() in ann.world.google.grants.refresh_tokens
    (announced,) = ann.world.sent.announced
    assert (announced["command"], announced["user_id"]) == ("connect", USER)
    assert standing(ann.world) == []
    calls = [f"{method} {status}" for method, status in ann.world.google.journal.calls if "events" in method]
    assert sorted(calls) == ["events.delete 204", "events.get 200", "events.insert 200"]


async def test_what_google_is_asked(ann: Browser) -> None:
    """The least scope, offline, with PKCE, a state and a nonce that are new each time."""
    await ann.enter()
    first, second = await asked(ann), await asked(ann)
    assert first["scope"].split() == ["openid", "email", SCOPE_EVENTS_OWNED]
    assert (first["response_type"], first["access_type"]) == ("code", "offline")
    assert (first["code_challenge_method"], len(first["code_challenge"])) == ("S256", 43)
    assert first["redirect_uri"] == f"{ann.world.url}/connect/back"
    assert "select_account" in first["prompt"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 32


async def test_reconnecting(ann: Browser) -> None:
    """Google is told which account is meant, and is asked for a token again."""
    await ann.enter()
    await ann.connect()
    await ann.world.state("needs_reauthorization")
    question = await asked(ann)
    assert (question["login_hint"], question["prompt"]) == (ACCOUNT, "consent")


async def test_refused_at_google(ann: Browser) -> None:
    """It is said, and nothing has happened."""
    await ann.enter()
    page = await ann.connect(deny=True)
    assert "You did not allow it at Google, so nothing was connected" in page.said
    assert "Authorize Metro EMS" in page.said
    await nothing_happened(ann.world)


async def test_a_box_that_was_not_ticked(ann: Browser) -> None:
    """It is explained; nothing is connected, and Google does not go on honouring what was given."""
    await ann.enter()
    page = await ann.connect(scopes=frozenset())
    assert "Google did not give us the permission for your calendar: its box was not ticked." in page.said
    assert "Authorize Metro EMS" in page.said
    await nothing_happened(ann.world)
    assert tokens(ann.world) == 0


async def test_a_box_that_was_not_ticked_the_second_time(ann: Browser) -> None:
    """The connection that works goes on: the grant that it lives on is not given back."""
    await ann.enter()
    await ann.connect()
    before = await held(ann.world)
    await ann.world.state("needs_reauthorization")
    page = await ann.connect(scopes=frozenset())
    assert "its box was not ticked" in page.said
    after = await held(ann.world)
    assert before is not None
    assert after == before
    assert before.refresh_token.get_secret_value() in ann.world.google.grants.refresh_tokens


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


async def test_kafka_is_away(ann: Browser) -> None:
    """The connection is kept, and its announcement waits in the outbox for a worker."""
    await ann.enter()
    ann.world.sent.away = True
    assert "You are connected" in (await ann.connect()).said
    (waiting,) = await ann.world.vault.announcements()
    assert waiting.value["command"] == "connect"


async def test_something_newer(ann: Browser) -> None:
    """A connect that is known by then, and newer, stays."""
    await ann.enter()
    await ann.connect()
    newest = await held(ann.world)
    await ann.world.state("needs_reauthorization")
    ann.world.clock.ahead = timedelta(minutes=-5)
    page = await ann.connect()
    assert "so this authorization changed nothing" in page.said
    assert await held(ann.world) == newest


async def test_a_calendar_of_somebody_else(ann: Browser) -> None:
    """Within an agency a calendar belongs to one user: the second gets it, and both connects are announced."""
    await ann.enter()
    await ann.connect()
    async with ann.world.browser() as bob:
        await bob.enter(user="u-18", name="Bob")
        assert "You are connected" in (await bob.connect()).said
    assert await held(ann.world) is None
    assert [one["command"] for one in ann.world.sent.announced] == ["connect", "disconnect", "connect"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {"kind": "status", "method": "events.insert", "status": 403, "reason": "insufficientPermissions"},
            "the permission was not given",
        ),
        (
            {"kind": "status", "method": "events.insert", "status": 404, "reason": "notFound"},
            "The calendar is not there",
        ),
        (
            {"kind": "status", "method": "events.insert", "status": 400, "reason": "invalid"},
            "Google refuses every event",
        ),
        (
            {"kind": "status", "method": "events.get", "status": 404, "reason": "notFound"},
            "was not there afterwards",
        ),
        (
            {"kind": "status", "method": "events.insert", "status": 403, "reason": "accessNotConfigured"},
            "does not accept this application",
        ),
    ],
)
async def test_a_test_that_fails(ann: Browser, fault: dict[str, Any], said: str) -> None:
    """It is said why; nothing is connected, nothing is left in the calendar, and the consent is given back."""
    await ann.enter()
    ann.world.google.faults.add(**fault)
    page = await ann.connect()
    assert "Nothing was connected: the test of your calendar found that it would not work." in page.said
    assert said in page.said
    await nothing_happened(ann.world)
    assert tokens(ann.world) == 0


async def test_an_account_that_strips_properties(ann: Browser) -> None:
    """Syncing works, and the user is told what is different."""
    await ann.enter()
    ann.world.google.state.add_account(ACCOUNT)
    ann.world.google.state.strip_properties(ACCOUNT, strip=True)
    page = await ann.connect()
    assert "The test of your calendar found something: Your account removes the marks" in page.said
    assert await held(ann.world) is not None


async def test_a_clock_that_is_wrong(ann: Browser) -> None:
    """Ours and Google's differ by minutes: said, and connected all the same."""
    await ann.enter()
    ann.world.clock.ahead = timedelta(minutes=-3)
    page = await ann.connect()
    assert "Google's clock and ours differ by more than a minute." in page.said
    assert await held(ann.world) is not None


async def test_a_test_that_google_does_not_answer(ann: Browser) -> None:
    """The user is connected, and told that the test was not finished; the probe goes when Google is back."""
    await ann.enter()
    ann.world.google.faults.add("status", method="events.get", status=503, times=1)
    page = await ann.connect()
    assert "the test was not finished" in page.said
    assert await held(ann.world) is not None
    assert standing(ann.world) == []


async def test_a_calendar_of_its_own(google: StandIn, tmp_path: Path) -> None:
    """It is made once, named after the agency, under the narrower scope; a reconnect finds it again."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        assert SCOPE_APP_CREATED in (await asked(ann))["scope"].split()
        page = await ann.connect()
        assert "Its own calendar, Metro EMS" in page.said
        first = await held(world)
        assert first is not None
        calendar = google.state.calendars[first.google_calendar_id]
        assert (calendar.summary, calendar.owner, calendar.app_created) == ("Metro EMS", ACCOUNT, True)
        await world.state("needs_reauthorization")
        await ann.connect()
        second = await held(world)
        assert second is not None
        assert second.google_calendar_id == first.google_calendar_id
        assert google.journal.calls["calendars.insert", "200"] == 1


async def test_a_calendar_of_its_own_that_is_gone(google: StandIn, tmp_path: Path) -> None:
    """Another one is made; so it is for another account."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        await ann.connect()
        first = await held(world)
        assert first is not None
        google.state.delete_calendar(ACCOUNT, first.google_calendar_id)
        await world.state("stopped", last_error={"code": "calendar_gone", "message": "", "what_to_do": ""})
        assert "does not exist any more" in (await ann.get("/")).said
        await ann.connect()
        second = await held(world)
        assert second is not None
        assert second.google_calendar_id in google.state.calendars
        await world.state("needs_reauthorization")
        await ann.connect(account="ann.lee@example.com")
        third = await held(world)
        assert third is not None
        assert google.state.calendars[third.google_calendar_id].owner == "ann.lee@example.com"


async def test_a_secret_in_pages_and_addresses(ann: Browser) -> None:
    """Neither tokens nor verifiers are in what the browser gets."""
    await ann.enter()
    page = await ann.press("/connect", follow=False)
    pages: list[Answer] = [page, await ann.connect(), await ann.get("/")]
    session = await ann.world.vault.sessions.get(ann.cookie(), ann.world.clock())
    assert session is not None
    secrets = [*ann.world.google.grants.refresh_tokens, *ann.world.google.grants.access_tokens]
    secrets += [value for name, value in session.pending.items() if name.startswith("question")]
    for answer in pages:
        for secret in secrets:
            assert secret not in answer.text + answer.location
    assert urlsplit(page.location).fragment == ""


CHOOSING = Policies(default=Policy(user_may_choose=frozenset({"target_calendar"})))


async def test_a_calendar_that_the_user_chooses(google: StandIn, tmp_path: Path) -> None:
    """Where the agency leaves it to users the page asks; the scope and the calendar follow, and the next time it is offered first."""
    async with world_of(google, tmp_path, policies=CHOOSING) as world, world.browser() as ann:
        page = await ann.enter()
        assert 'value="primary" checked' in page.text
        google.core.choices.append(Choice(account=ACCOUNT))
        page = await ann.press("/connect", target="own")
        assert "Its own calendar, Metro EMS" in page.said
        first = await held(world)
        assert first is not None
        assert SCOPE_APP_CREATED in first.scopes
        assert SCOPE_EVENTS_OWNED not in first.scopes
        await world.state("needs_reauthorization")
        assert 'value="own" checked' in (await ann.get("/")).text
        google.core.choices.append(Choice(account=ACCOUNT))
        await ann.press("/connect", target="nonsense")
        second = await held(world)
        assert second is not None
        assert second.google_calendar_id == "primary"


async def test_a_calendar_that_is_not_the_users_to_choose(ann: Browser) -> None:
    """The agency's word counts, whatever a form says."""
    page = await ann.enter()
    assert 'name="target"' not in page.text
    ann.world.google.core.choices.append(Choice(account=ACCOUNT))
    await ann.press("/connect", target="own")
    connection = await held(ann.world)
    assert connection is not None
    assert connection.google_calendar_id == "primary"


async def test_a_calendar_of_its_own_whose_test_fails(google: StandIn, tmp_path: Path) -> None:
    """It is found again by the next try, not made twice."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        google.faults.add("status", method="events.insert", status=400, reason="invalid", times=1)
        assert "Nothing was connected" in (await ann.connect()).said
        assert "You are connected" in (await ann.connect()).said
        assert google.journal.calls["calendars.insert", "200"] == 1
