"""What a worker tells Prometheus: sums that fit what its users' rows say, and names that keep to the conventions."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from planning.intake import Reading
from schemas.cause import Cause
from schemas.facts import PublicationChanged
from schemas.outputs import SyncStatus
from streams.crowd import STATES
from streams.metrics import Metrics

NOW = datetime.now(UTC)
USERS = st.sampled_from([b"ann", b"bob", b"cyd"])


@st.composite
def statuses(draw: st.DrawFn) -> SyncStatus:
    pending = draw(st.integers(0, 3))
    since = datetime.now(UTC) - timedelta(seconds=draw(st.integers(0, 10_000))) if pending else None
    state = draw(st.sampled_from(STATES))
    return SyncStatus(agency_id="a", user_id="u", state=state, pending=pending, oldest_pending_at=since)


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(f"shiftcal_{name}", labels)
    assert found is not None
    return found


@settings(max_examples=300)  # each makes a registry, and collects it whole
@given(st.lists(st.tuples(USERS, st.none() | statuses(), st.integers(0, 2)), max_size=12))
def test_users_as_they_stand_now(story: list[tuple[bytes, SyncStatus | None, int]]) -> None:
    """The newest of each user counts, whatever stood there before; who is gone does not."""
    metrics, truth = Metrics(), dict[bytes, tuple[SyncStatus, int]]()
    for user, status, held in story:
        metrics.crowd.note(user, status, held)
        truth.pop(user, None)
        if status is not None:
            truth[user] = (status, held)
    users = Counter(status.state for status, _ in truth.values())
    assert {state: value(metrics, "users", state=state) for state in STATES} == {s: users[s] for s in STATES}
    for state in STATES:
        theirs = [status for status, _ in truth.values() if status.state == state]
        assert value(metrics, "pending_changes", state=state) == sum(one.pending for one in theirs)
        now = datetime.now(UTC)
        waited = max(
            ((now - one.oldest_pending_at).total_seconds() for one in theirs if one.oldest_pending_at),
            default=0,
        )
        assert value(metrics, "oldest_pending_seconds", state=state) == pytest.approx(waited, abs=5)
    assert value(metrics, "held_removals") == sum(held for _, held in truth.values())


def test_what_messages_ask_for() -> None:
    """Publications count under what they make of their calendar."""
    metrics = Metrics()
    cause = Cause(topic="t", partition=0, offset=0, event_id="e", occurred_at=NOW, at=NOW)
    fact = PublicationChanged(agency_id="a", calendar_id="c", version=1, standing="rolled_back", cause=cause)
    metrics.took_in("calendar-unpublished", Reading(calendar_facts=(fact,)))
    assert value(metrics, "changes_received_total", action="rolled_back") == 1
    assert value(metrics, "messages_total", topic="calendar-unpublished") == 1


def test_names() -> None:
    """Ours carry the product's name, a unit where they have one, and no label that could name a person."""
    families = list(text_string_to_metric_families(Metrics().page().decode()))
    ours = [one for one in families if one.name.startswith("shiftcal_")]
    assert {one.name for one in ours} >= {
        "shiftcal_users",
        "shiftcal_build_info",
        "shiftcal_change_latency_seconds",
    }
    labels = {label for one in ours for sample in one.samples for label in sample.labels}
    assert not labels & {
        "user",
        "user_id",
        "agency",
        "agency_id",
        "calendar",
        "calendar_id",
        "shift_id",
        "account",
    }
    for family in families:
        assert family.documentation
