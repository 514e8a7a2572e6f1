"""Authorize: what a consent becomes, and what its test finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from gcal.consent import SCOPE_EVENTS_OWNED
from tests.portal.consents import asked, held, nothing_happened, standing, tokens
from tests.portal.world import ACCOUNT, USER, Answer, Browser


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
