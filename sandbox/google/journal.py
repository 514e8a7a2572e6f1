"""What arrived and how it was answered: the evidence for exactly-once and latency checks.

In: the begin and the end of every request to the API and to the OAuth endpoints. Out: entries in order of arrival,
counters, violations of the discovery document, writes that overlapped on one event.
Not here: bodies (unless `keep_bodies`), tokens and secrets (never).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from sandbox.google.errors import Json

WRITES = frozenset({"events.insert", "events.patch", "events.update", "events.delete"})


@dataclass(slots=True)
class Entry:
    """One request. `status` is None until it is answered, and stays None where the connection was dropped."""

    index: int
    at: float
    """Wall clock at arrival, seconds since 1970."""
    mono: float
    """`time.monotonic()` at arrival; comparable between processes of one machine."""
    method: str
    account: str | None = None
    calendar: str | None = None
    event_id: str | None = None
    query: str = ""
    if_match: str | None = None
    status: int | None = None
    reason: str | None = None
    fault: str | None = None
    committed: bool = False
    """Whether it changed a calendar, whatever the caller was told."""
    answered_mono: float | None = None
    body: str | None = None

    def to_json(self) -> Json:
        """As the admin route gives it."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(Entry.__dataclass_fields__)


@dataclass(slots=True)
class Journal:
    """Every request since the last reset."""

    entries: list[Entry] = field(default_factory=list)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each method was answered with each status (`dropped` where there was no answer)."""
    violations: list[str] = field(default_factory=list)
    overlaps: list[tuple[int, int]] = field(default_factory=list)
    """Pairs of entries: writes to one event of which the second arrived before the first was answered."""
    keep_bodies: bool = False
    _open_writes: dict[tuple[str, str], int] = field(default_factory=dict)

    def begin(self, method: str, query: str, if_match: str | None) -> Entry:
        """Note an arrival."""
        entry = Entry(
            len(self.entries), time.time(), time.monotonic(), method, query=query, if_match=if_match
        )
        self.entries.append(entry)
        return entry

    def writing(self, entry: Entry) -> None:
        """Note that a write on a known event is under way."""
        if entry.method in WRITES and entry.calendar is not None and entry.event_id is not None:
            before = self._open_writes.setdefault((entry.calendar, entry.event_id), entry.index)
            if before != entry.index:
                self.overlaps.append((before, entry.index))

    def end(self, entry: Entry, status: int | None, reason: str | None = None) -> None:
        """Note the answer, or with None that there was none."""
        entry.status, entry.reason = status, reason
        entry.answered_mono = time.monotonic()
        self.calls[entry.method, "dropped" if status is None else str(status)] += 1
        self.let_go(entry)

    def let_go(self, entry: Entry) -> None:
        """The work on the event is over, though the answer may still hang."""
        if entry.calendar is not None and entry.event_id is not None:
            key = (entry.calendar, entry.event_id)
            if self._open_writes.get(key) == entry.index:
                del self._open_writes[key]

    def violation(self, entry: Entry, text: str) -> None:
        """Note a request that Google's own description of the API does not allow."""
        self.violations.append(f"#{entry.index} {entry.method}: {text}")

    def select(
        self,
        *,
        since: int = 0,
        limit: int | None = None,
        method: str | None = None,
        account: str | None = None,
    ) -> list[Entry]:
        """Entries from an index on, optionally of one method or one account."""
        found = [
            entry
            for entry in self.entries[since:]
            if (method is None or entry.method == method) and (account is None or entry.account == account)
        ]
        return found if limit is None else found[:limit]

    def committed(self, method: str | None = None) -> Counter[tuple[str, str]]:
        """How many requests really changed each (calendar, event)."""
        return Counter(
            (entry.calendar or "", entry.event_id or "")
            for entry in self.entries
            if entry.committed and (method is None or entry.method == method)
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Calls by method, then by status."""
        table: dict[str, dict[str, int]] = {}
        for (method, status), number in sorted(self.calls.items()):
            table.setdefault(method, {})[status] = number
        return table

    def clear(self) -> None:
        """Start again at index 0."""
        self.entries.clear()
        self.calls.clear()
        self.violations.clear()
        self.overlaps.clear()
        self._open_writes.clear()
