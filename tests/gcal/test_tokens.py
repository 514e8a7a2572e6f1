"""One token a user, however many calls wait for it; and no token of anybody else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from gcal.oauth import Issued
from gcal.port import Grant
from gcal.tokens import RETRY_S, SKEW_S, AccessTokens
from schemas.errors import GoogleUnavailable, GrantLost

CONNECTED = datetime(2026, 11, 1, tzinfo=UTC)


def grant(user_id: str = "u-17", connected_at: datetime = CONNECTED) -> Grant:
    return Grant("metro-ems", user_id, SecretStr(f"refresh of {user_id}"), connected_at)


@dataclass
class Endpoint:
    """A token endpoint and a clock, both in the test's hand."""

    now: float = 1_000.0
    lifetime: float = 3_600.0
    asked: list[str] = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def fetch(self, asked: Grant) -> Issued:
        self.asked.append(asked.user_id)
        number = len(self.asked)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Issued(f"token {number} of {asked.user_id}", self.lifetime)

    def cache(self, most: int = 100) -> AccessTokens:
        return AccessTokens(self.fetch, most, lambda: self.now)


@pytest.fixture
async def endpoint() -> Endpoint:
    return Endpoint()


async def test_twenty_calls_without_a_token(endpoint: Endpoint) -> None:
    """They share one request."""
    tokens = endpoint.cache()
    found = await asyncio.gather(*(tokens.token(grant()) for _ in range(20)))
    assert set(found) == {"token 1 of u-17"}
    assert endpoint.asked == ["u-17"]


async def test_twenty_calls_while_google_is_down(endpoint: Endpoint) -> None:
    """They share one failure, and the next call asks again."""
    tokens = endpoint.cache()
    endpoint.failure = GoogleUnavailable("no_answer", "down")
    found = await asyncio.gather(*(tokens.token(grant()) for _ in range(20)), return_exceptions=True)
    assert {type(error) for error in found} == {GoogleUnavailable}
    assert len(endpoint.asked) == 1
    endpoint.failure = None
    assert await tokens.token(grant()) == "token 2 of u-17"


async def test_a_token_near_its_end(endpoint: Endpoint) -> None:
    """It is renewed two minutes early, and not before."""
    tokens = endpoint.cache()
    first = await tokens.token(grant())
    endpoint.now += 3_600 - SKEW_S - 1
    assert await tokens.token(grant()) == first
    endpoint.now += 1
    assert await tokens.token(grant()) == "token 2 of u-17"


async def test_a_token_that_lives_shorter_than_that(endpoint: Endpoint) -> None:
    """It is used for half of its life, rather than for one call."""
    endpoint.lifetime = 60.0
    tokens = endpoint.cache()
    first = await tokens.token(grant())
    endpoint.now += 29
    assert await tokens.token(grant()) == first
    endpoint.now += 1
    assert await tokens.token(grant()) == "token 2 of u-17"


async def test_a_renewal_that_fails_while_the_token_is_good(endpoint: Endpoint) -> None:
    """The token serves on, without a request per call, until its end."""
    tokens = endpoint.cache()
    first = await tokens.token(grant())
    endpoint.failure = GoogleUnavailable("no_answer", "down")
    endpoint.now += 3_600 - SKEW_S
    assert [await tokens.token(grant()) for _ in range(3)] == [first] * 3
    assert len(endpoint.asked) == 2
    endpoint.now += RETRY_S
    assert await tokens.token(grant()) == first
    assert len(endpoint.asked) == 3
    endpoint.now += SKEW_S
    with pytest.raises(GoogleUnavailable):
        await tokens.token(grant())


async def test_a_renewal_that_says_the_grant_is_lost(endpoint: Endpoint) -> None:
    """Then the token does not serve on."""
    tokens = endpoint.cache()
    await tokens.token(grant())
    endpoint.failure = GrantLost("invalid_grant", "gone")
    endpoint.now += 3_600 - SKEW_S
    with pytest.raises(GrantLost):
        await tokens.token(grant())


async def test_twenty_calls_that_were_refused_with_one_token(endpoint: Endpoint) -> None:
    """The first asks for another; those refused later get that one."""
    tokens = endpoint.cache()
    refused = await tokens.token(grant())
    found = await asyncio.gather(*(tokens.after_refusal(grant(), refused) for _ in range(20)))
    found.append(await tokens.after_refusal(grant(), refused))
    assert set(found) == {"token 2 of u-17"}
    assert len(endpoint.asked) == 2


async def test_a_user_who_connected_again(endpoint: Endpoint) -> None:
    """A token of the earlier consent is never used for the later one, nor the other way round."""
    tokens = endpoint.cache()
    again = grant(connected_at=CONNECTED + timedelta(days=1))
    found = [await tokens.token(grant()), await tokens.token(again), await tokens.token(again)]
    assert found == ["token 1 of u-17", "token 2 of u-17", "token 2 of u-17"]
    assert await tokens.token(grant()) == "token 3 of u-17"


async def test_two_users_at_once(endpoint: Endpoint) -> None:
    """Each gets a token of their own, and neither waits for the other."""
    tokens = endpoint.cache()
    found = tuple(await asyncio.gather(tokens.token(grant("u-1")), tokens.token(grant("u-2"))))
    assert found == ("token 1 of u-1", "token 2 of u-2")


async def test_a_user_who_is_forgotten(endpoint: Endpoint) -> None:
    """The next call needs a new token; forgetting a stranger is no error."""
    tokens = endpoint.cache()
    await tokens.token(grant())
    tokens.forget("metro-ems", "u-17")
    tokens.forget("metro-ems", "nobody")
    assert await tokens.token(grant()) == "token 2 of u-17"


async def test_more_users_than_the_cache_holds(endpoint: Endpoint) -> None:
    """Those who were busy last are kept."""
    tokens = endpoint.cache(most=2)
    for user in ("u-1", "u-2", "u-1", "u-3"):
        await tokens.token(grant(user))
    assert endpoint.asked == ["u-1", "u-2", "u-3"]
    await tokens.token(grant("u-1"))
    assert endpoint.asked == ["u-1", "u-2", "u-3"]
    await tokens.token(grant("u-2"))
    assert endpoint.asked == ["u-1", "u-2", "u-3", "u-2"]


async def test_a_call_that_gives_up_waiting(endpoint: Endpoint) -> None:
    """The others still get the token that it had asked for."""
    tokens = endpoint.cache()
    endpoint.gate.clear()
    first, second = (asyncio.create_task(tokens.token(grant())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    endpoint.gate.set()
    assert await second == "token 1 of u-17"


async def test_a_close_while_a_token_is_on_its_way(endpoint: Endpoint) -> None:
    """Nothing stays behind; who waits is told."""
    tokens = endpoint.cache()
    endpoint.gate.clear()
    waiting = asyncio.create_task(tokens.token(grant()))
    await asyncio.sleep(0)
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}
