"""What the worker counts, for Prometheus.

Comes in: what agents and lanes did. Goes out: a registry to scrape. Labels are bounded: no user, calendar or shift is
ever one. Conventions: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import platform
from collections import Counter as Counted
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from planning.intake import INPUTS
from schemas.errors import REASONS, NotAdmitted, QuotaExhausted, RateLimited
from schemas.facts import PublicationChanged, ShiftsChanged
from schemas.outputs import Action
from streams.crowd import STATES, Crowd

if TYPE_CHECKING:
    from planning.calendars import Folded as FoldedCalendar
    from planning.intake import Reading
    from planning.users import Folded as FoldedUser

#: Calls to Google by what they do to events.
METHODS = ("insert", "get", "patch", "delete", "list")

_PAUSES = (0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 300)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)


class Metrics:
    """The worker's counters; one registry each, so that two workers can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        name: dict[str, Any] = {"namespace": "shiftcal", "registry": self.registry}
        self._messages = Counter("messages", "Input messages read.", ["topic"], **name)
        self._received = Counter("changes_received", "What input messages asked for.", ["action"], **name)
        self._letters = Counter(
            "dead_letters", "Parts of messages that could not be read.", ["topic", "reason"], **name
        )
        self._conflicts = Counter("version_conflicts", "One version that came with two contents.", **name)
        self._changes = Counter(
            "changes", "Changes that reached Google, or that it refused.", ["action"], **name
        )
        self._latency = Histogram(
            "change_latency_seconds",
            "From the broker's timestamp to Google's answer.",
            buckets=_SECONDS,
            **name,
        )
        self._calls = Counter("google_calls", "Calls to Google.", ["method", "answer"], **name)
        self._hindrances = Counter(
            "hindrances", "Times that a lane had to wait, by what was wrong outside of it.", ["error"], **name
        )
        self._call_time = Histogram(
            "google_call_seconds", "Time of a call.", ["method"], buckets=_SECONDS, **name
        )
        self.lanes = Gauge("lanes", "Users with work under way.", **name)
        self.waiting = Gauge("permits_waiting", "Calls that wait for quota.", **name)
        self.permits = Gauge(
            "permits_per_minute",
            "Google calls a minute of this worker's share, as Google takes them.",
            **name,
        )
        self.used = Gauge(
            "permits_used", "Calls of the last minute that count against this worker's share.", **name
        )
        self.circuit = Gauge("circuit_open", "1 while Google answers nobody.", **name)
        self.lag = Gauge("consumer_lag_records", "Records not yet processed.", ["topic", "partition"], **name)
        self.rows = Gauge("table_rows", "Rows of a table here, as its store estimates.", ["table"], **name)
        self.bytes = Gauge("table_bytes", "Bytes of a table here, on disk and in memory.", ["table"], **name)
        self.open = Gauge("gate_open", "1 while the worker is caught up and lanes may run.", **name)
        self._rebalances = Counter("rebalances", "Assignments that were taken up.", **name)
        self._pause = Histogram(
            "rebalance_pause_seconds",
            "From the end of the last assignment, or the start, to the first call that may begin.",
            buckets=_PAUSES,
            **name,
        )
        self._begin_at_zero()
        self.crowd = Crowd()
        self._tell_crowd(name)
        Info("build", "The release that runs.", **name).info(built())
        for collector in (ProcessCollector, PlatformCollector):
            collector(registry=self.registry)

    def _begin_at_zero(self) -> None:
        """Show counters that an alert watches before their first event: an increase from nothing is none to Prometheus."""
        for action in get_args(Action):
            self._changes.labels(action)
        for topic in INPUTS:
            for reason in REASONS:
                self._letters.labels(topic, reason)
        for method in METHODS:
            for refused in (RateLimited, QuotaExhausted):
                self._calls.labels(method, refused.__name__)
        self._hindrances.labels(NotAdmitted.__name__)

    def _tell_crowd(self, name: dict[str, Any]) -> None:
        """Work out sums over users when somebody asks for them, and not at every change."""
        users = Gauge("users", "Users by what their sync-status says.", ["state"], **name)
        pending = Gauge("pending_changes", "Google writes that wait.", ["state"], **name)
        oldest = Gauge("oldest_pending_seconds", "How long the oldest of them has waited.", ["state"], **name)
        for state in STATES:
            users.labels(state).set_function(partial(self.crowd.users, state))
            pending.labels(state).set_function(partial(self.crowd.pending, state))
            oldest.labels(state).set_function(partial(self.crowd.oldest, state))
        held = Gauge("held_removals", "Removals that wait for an operator.", **name)
        held.set_function(self.crowd.held)

    def took_in(self, topic: str, reading: Reading) -> None:
        """Count an input message and its dead letters."""
        self._messages.labels(topic).inc()
        for action, count in reading_of(reading).items():
            self._received.labels(action).inc(count)
        for letter in reading.letters:
            self._letters.labels(topic, letter.reason).inc()

    def folded(self, folded: FoldedCalendar) -> None:
        """Count versions that came with two contents: an error upstream."""
        self._conflicts.inc(len(folded.conflicts))

    def told(self, folded: FoldedUser) -> None:
        """Count what became of changes."""
        for result in folded.results:
            self._changes.labels(result.action).inc()
            if result.latency_ms is not None:
                self._latency.observe(result.latency_ms / 1000)

    def opened(self, paused_s: float) -> None:
        """Count an assignment, and how long nothing could be called before it was taken up."""
        self._rebalances.inc()
        self._pause.observe(paused_s)

    def called(self, method: str, answer: str, seconds: float) -> None:
        """Count one call to Google."""
        self._calls.labels(method, answer).inc()
        self._call_time.labels(method).observe(seconds)

    def hindered(self, error: str) -> None:
        """Count what keeps a lane waiting."""
        self._hindrances.labels(error).inc()

    def page(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


def reading_of(reading: Reading) -> Counted[str]:
    """Count what a message asked for, by what it is called in the contract's messages."""
    asked: Counted[str] = Counted()
    for fact in reading.calendar_facts:
        if isinstance(fact, ShiftsChanged):
            asked.update(change.op for change in fact.changes)
        elif isinstance(fact, PublicationChanged):
            asked[fact.standing] += 1
    asked.update(told.fact for told in reading.user_facts)
    return asked


def built() -> dict[str, str]:
    """Name the release and what it runs on."""
    names = ("shiftcal", "faust-streaming", "aiokafka", "aiogoogle", "rocksdict")
    return {"python": platform.python_version()} | {name.replace("-", "_"): _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a directory, without having been installed
        return "unknown"
