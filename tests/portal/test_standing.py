"""One mode out of what the vault and the topics say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.standing import CONNECTED, Mode, standing
from schemas.outputs import LastError, SyncState, SyncStatus
from schemas.views import View
from vault import ConnectionInfo, ProjectedStatus, State

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_connection(state: State = "live", at: datetime = NOON) -> ConnectionInfo:
    return ConnectionInfo("metro-ems", "u-17", "ann@example.com", "primary", (), at, state)


def told(state: SyncState, at: datetime = NOON + SECOND, pending: int = 0) -> ProjectedStatus:
    error = LastError(code="invalid_grant", message="", what_to_do="")
    status = SyncStatus(agency_id="metro-ems", user_id="u-17", state=state, pending=pending, last_error=error)
    return ProjectedStatus(status, at)


@pytest.mark.parametrize(
    ("info", "status", "stopping", "now", "mode"),
    [
        (None, None, None, NOON, "not_connected"),
        (None, told("needs_reauthorization"), None, NOON, "needs_reauthorization"),
        (a_connection(), None, None, NOON, "starting"),
        (a_connection(), None, None, NOON + 31 * SECOND, "starting_late"),
        (a_connection(), told("stopped", NOON - SECOND), None, NOON, "starting"),
        (a_connection(), told("stopped"), None, NOON, "stopped"),
        # A broker whose clock is behind makes news look old; not for ever.
        (
            a_connection(),
            told("needs_reauthorization", NOON - SECOND),
            None,
            NOON + 121 * SECOND,
            "needs_reauthorization",
        ),
        (a_connection(), told("in_sync", NOON - SECOND), None, NOON, "in_sync"),
        (a_connection(), told("syncing", pending=3), None, NOON, "syncing"),
        (a_connection(), told("syncing"), None, NOON, "looking"),
        (a_connection(), told("in_sync"), NOON + SECOND, NOON + SECOND, "stopping"),
        (a_connection(), told("stopped"), NOON + SECOND, NOON + SECOND, "stopped"),
        (a_connection(), told("in_sync"), NOON + SECOND, NOON + 200 * SECOND, "in_sync"),
        # He has connected again since.
        (a_connection(at=NOON), told("in_sync"), NOON - SECOND, NOON, "in_sync"),
        (a_connection("revoking"), told("in_sync"), None, NOON, "stopped"),
        (a_connection("ended"), told("stopped"), None, NOON, "stopped"),
        (a_connection("ended"), told("deactivated"), None, NOON, "deactivated"),
    ],
)
def test_a_mode(
    info: ConnectionInfo | None,
    status: ProjectedStatus | None,
    stopping: datetime | None,
    now: datetime,
    mode: Mode,
) -> None:
    """The newer word counts; what was asked for is shown until it is seen."""
    found = standing(info, status, None, stopping, now)
    assert found.mode == mode
    assert found.connected == (mode in CONNECTED)


def test_a_revocation() -> None:
    """It is said to be done once Google has confirmed, and nothing is said while the connection lives."""
    for state, revoked in (("live", None), ("revoking", False), ("ended", True)):
        assert standing(a_connection(state), told("stopped"), None, None, NOON).revoked is revoked  # type: ignore[arg-type]


times = st.integers(-300, 300).map(lambda seconds: NOON + timedelta(seconds=seconds))


@given(
    info=st.none() | st.builds(a_connection, st.sampled_from(get_args(State)), times),
    status=st.none() | st.builds(told, st.sampled_from(get_args(SyncState)), times, st.integers(0, 60)),
    view=st.none() | st.builds(View, wanted=st.integers(0, 60), in_google=st.integers(0, 90)),
    stopping=st.none() | times,
    now=times,
)
def test_anything_that_may_be_said(info: Any, status: Any, view: Any, stopping: Any, now: datetime) -> None:
    """There is always one mode, progress never exceeds its end, and nobody without a connection is told of one."""
    found = standing(info, status, view, stopping, now)
    assert found.mode in get_args(Mode)
    assert 0 <= found.done <= found.total or view is None
    if info is None or info.state != "live":
        assert not found.connected
