"""Sliding windows, per user and for the project."""

from __future__ import annotations

import pytest

from sandbox.google import Quota, StandIn
from sandbox.google.errors import GoogleError
from sandbox.google.quota import Shape
from tests.sandbox.google.client import Client, timed


def _refused(quota: Quota, account: str, now: float) -> GoogleError | None:
    return quota.spend(account, now)


def test_user_at_the_limit() -> None:
    """The next call of that user is refused, another user's is not."""
    quota = Quota(user_per_minute=3)
    assert [_refused(quota, "a", 0.0) for _ in range(3)] == [None, None, None]
    assert _refused(quota, "a", 0.0) is not None
    assert _refused(quota, "b", 0.0) is None


def test_project_at_the_limit() -> None:
    """All users together have the project's window."""
    quota = Quota(project_per_minute=2)
    assert [_refused(quota, account, 0.0) is None for account in "abc"] == [True, True, False]


def test_window_slides() -> None:
    """A call is paid for during exactly sixty seconds, not until the next full minute."""
    quota = Quota(user_per_minute=2)
    assert _refused(quota, "a", 30.0) is None
    assert _refused(quota, "a", 59.0) is None
    assert _refused(quota, "a", 61.0) is not None
    assert _refused(quota, "a", 89.9) is not None
    assert _refused(quota, "a", 90.0) is None
    assert _refused(quota, "a", 90.1) is not None


def test_refused_calls_are_free() -> None:
    """Knocking at the door does not keep it closed."""
    quota = Quota(user_per_minute=1)
    for now in (0.0, 20.0, 40.0, 59.9):
        _refused(quota, "a", now)
    assert _refused(quota, "a", 60.0) is None


def test_highest_load_without_a_limit() -> None:
    """The peak is measured, limited or not."""
    quota = Quota()
    for now in (0.0, 1.0, 2.0, 61.5, 62.5):
        quota.spend("a", now)
    assert (quota.project.peak, quota.to_json()["user_peaks"]) == (3, {"a": 3})


@pytest.mark.parametrize(
    ("shape", "answers"),
    [
        ("403", [(403, "userRateLimitExceeded")] * 2),
        ("429", [(429, "rateLimitExceeded")] * 2),
        ("mix", [(403, "userRateLimitExceeded"), (429, "rateLimitExceeded")]),
    ],
)
async def test_shapes_of_a_refusal(
    standin: StandIn, anna: Client, shape: Shape, answers: list[tuple[int, str]]
) -> None:
    """Both of Google's shapes can be had; a refused call does nothing."""
    standin.quota.configure({"user_per_minute": 1, "shape": shape, "retry_after": True})
    await anna.listing()
    replies = [await anna.insert(timed()) for _ in range(2)]
    assert [(reply.status, reply.reason) for reply in replies] == answers
    assert all(1 <= int(reply.headers["Retry-After"]) <= 61 for reply in replies)
    assert replies[0].json["error"]["errors"][0]["domain"] == "usageLimits"
    standin.quota.configure({"user_per_minute": None})
    assert await anna.ids() == []


async def test_project_refusal_names_the_project(standin: StandIn, anna: Client) -> None:
    """Its reason is rateLimitExceeded; without the option there is no Retry-After."""
    standin.quota.configure({"project_per_minute": 0, "shape": "403"})
    reply = await anna.listing()
    assert (reply.status, reply.reason, "Retry-After" in reply.headers) == (403, "rateLimitExceeded", False)


@pytest.mark.parametrize(
    "given", [{"user_per_minute": "5"}, {"shape": "500"}, {"per_day": 1}, {"retry_after": 1}]
)
def test_quota_that_is_none(given: dict[str, object]) -> None:
    """A wrong setting is refused, not ignored."""
    with pytest.raises(GoogleError):
        Quota().configure(given)
