"""What the worker counts, for Prometheus.

Comes in: what agents and lanes did. Goes out: a registry to scrape. Labels are bounded: no user, calendar or shift is
ever one. Conventions: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import logging
from collections import Counter as Counted
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from planning.calendars import Folded as FoldedCalendar
    from planning.intake import Reading
    from planning.users import Folded as FoldedUser
    from schemas.facts import CalendarFact

log = logging.getLogger(__name__)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)


class Metrics:
    """The worker's counters; one registry each, so that two workers can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        name: dict[str, Any] = {"namespace": "shiftcal", "registry": self.registry}
        self._messages = Counter("messages", "Input messages read.", ["topic"], **name)
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
        self.used = Gauge("permits_used", "Google calls that count in this worker's share now.", **name)
        self.circuit = Gauge("circuit_open", "1 while Google answers nobody.", **name)
        self.lag = Gauge("consumer_lag_records", "Records not yet processed.", ["topic", "partition"], **name)
        self._held: dict[bytes, int] = {}
        self._held_removals = Gauge("held_removals", "Removals that wait for an operator.", **name)
        self.open = Gauge("gate_open", "1 while the worker is caught up and lanes may run.", **name)

    def took_in(self, topic: str, reading: Reading) -> None:
        """Count an input message and its dead letters; each letter is a line in the log."""
        self._messages.labels(topic).inc()
        for letter in reading.letters:
            self._letters.labels(topic, letter.reason).inc()
            log.warning(
                "dead letter from %s partition %d offset %d: %s: %s",
                letter.source_topic, letter.source_partition, letter.source_offset, letter.reason, letter.error,
            )  # fmt: skip

    def folded(self, folded: FoldedCalendar, fact: CalendarFact) -> None:
        """Count and log versions that came with two contents: an error upstream."""
        for cause, count in Counted(folded.conflicts).items():
            self._conflicts.inc(count)
            log.warning(
                "%d versions came again with another content, in %s partition %d offset %d (agency %s, calendar %s)",
                count, cause.topic, cause.partition, cause.offset, fact.agency_id, fact.calendar_id,
            )  # fmt: skip

    def told(self, folded: FoldedUser) -> None:
        """Count what became of changes."""
        for result in folded.results:
            self._changes.labels(result.action).inc()
            if result.latency_ms is not None:
                self._latency.observe(result.latency_ms / 1000)

    def holds(self, user: bytes, removals: int) -> None:
        """Note how many removals of a user are held now; who has none is not kept."""
        if removals or user in self._held:
            self._held[user] = removals
            self._held_removals.set(sum(self._held.values()))
            if not removals:
                del self._held[user]

    def hold_nothing(self) -> None:
        """Forget the users: they are somebody else's, or looked through again."""
        self._held.clear()
        self._held_removals.set(0)

    def called(self, method: str, answer: str, seconds: float) -> None:
        """Count one call to Google."""
        self._calls.labels(method, answer).inc()
        self._call_time.labels(method).observe(seconds)

    def page(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
