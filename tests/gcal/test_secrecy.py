"""Nothing that goes wrong tells a secret, or what is in a person's calendar."""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from gcal import classify, oauth
from gcal.client import GoogleCalendar, GoogleSettings
from gcal.transport import Reply
from sandbox.google import StandIn
from schemas.errors import GoogleUnavailable, ShiftcalError
from tests.gcal.contract import LONG_AGO, body, insert, patch
from tests.gcal.world import ACCOUNT, grant_of

CANARY = "canary-7f3a"


def everything_in(error: BaseException) -> str:
    """All that a log, a pickle or a curious exception hook could get out of an exception."""
    found: list[str] = []
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is not None:
            found += [repr(one), str(one), repr(one.args), repr(vars(one))]
            found += traceback.format_exception(one)
            todo += [one.__cause__, one.__context__]
    return "\n".join(found)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html", "method": "events.*"},
        {"kind": "empty", "method": "events.*"},
        {"kind": "empty", "method": "events.*", "commit": True},
        {"kind": "drop", "method": "events.*"},
        {"kind": "hang", "method": "events.*", "seconds": 5.0},
        {"kind": "unauthorized", "method": "events.*"},
        {"kind": "status", "method": "events.*", "status": 403, "reason": "insufficientPermissions"},
        {"kind": "html", "method": "oauth.token"},
        {"kind": "drop", "method": "oauth.*"},
        {"kind": "hang", "method": "oauth.*", "seconds": 5.0},
        {"kind": "status", "method": "oauth.*", "status": 400, "reason": "invalid_grant"},
        {"kind": "status", "method": "oauth.*", "status": 401, "reason": "invalid_client"},
    ],
)
async def test_a_failure(standin: StandIn, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]) -> None:
    """Neither the exception, with all that hangs on it, nor any library's log shows a token, a secret or a text."""
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    tokens = standin.connect(ACCOUNT)
    standin.grants.refresh_tokens[CANARY] = standin.grants.refresh_tokens[tokens.refresh_token]
    standin.grants.issue_access = lambda account, scopes: _issue(standin, account, scopes)  # type: ignore[method-assign]
    standin.faults.add(**fault)
    grant = grant_of(ACCOUNT, CANARY)
    async with GoogleCalendar(_settings(standin)) as client:
        failures: list[str] = []
        texts = {"summary": CANARY, "location": CANARY, "description": CANARY}
        for doing in (
            client.call(grant, "primary", insert(**texts)),
            client.call(grant, "primary", patch('"1"', body() | texts)),
            client.list_page(grant, "primary", "metro-ems", LONG_AGO, None),
            client.revoke(grant.refresh_token),
        ):
            try:
                await doing
            except ShiftcalError as error:
                failures.append(everything_in(error))
        assert failures
        assert CANARY not in "".join(failures)
        assert CANARY not in repr(client) + repr(grant) + repr(vars(client))
    assert CANARY not in caplog.text


@pytest.mark.parametrize("body", [f'{{"summary": "{CANARY}', f"<html>{CANARY}", f'{{"error": "{CANARY}'])
def test_an_answer_that_is_cut_off(body: str) -> None:
    """The parser's complaint holds the whole text; it does not come along."""
    torn = Reply(200, body.encode())
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for read in (
        lambda: classify.answer("insert", torn, now),
        lambda: classify.page(torn, now),
        lambda: oauth.issued(torn, now, has_client=True),
    ):
        with pytest.raises(GoogleUnavailable) as caught:
            read()
        assert CANARY not in everything_in(caught.value) + repr(torn)


def _settings(standin: StandIn) -> GoogleSettings:
    return GoogleSettings(
        "client", SecretStr(CANARY), standin.url, standin.token_url, standin.revoke_url, timeout_s=0.3
    )


def _issue(standin: StandIn, account: str, scopes: frozenset[str]) -> str:
    """An access token that is a canary, too."""
    grants = standin.grants
    token = type(grants).issue_access(grants, account, scopes)
    grants.access_tokens[CANARY + token] = grants.access_tokens.pop(token)
    return CANARY + token


@pytest.mark.parametrize("text", [f"{CANARY} 7", "1//0gCANARY7f3a", "x" * 61, ""])
def test_a_reason_that_is_no_word(text: str) -> None:
    """Words of Google's go into statuses and results; a text in their place goes nowhere."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for status in (400, 401, 403, 404, 429, 500):
        refused = Reply(status, orjson.dumps({"error": {"errors": [{"reason": text, "message": CANARY}]}}))
        try:
            told = repr(classify.answer("insert", refused, now))
        except ShiftcalError as error:
            told = everything_in(error) + str(getattr(error, "code", ""))
        assert CANARY not in told
        assert not text or text not in told
        with pytest.raises(GoogleUnavailable) as caught:
            oauth.issued(Reply(400, orjson.dumps({"error": text})), now, has_client=True)
        assert not text or text not in everything_in(caught.value)
