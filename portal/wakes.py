"""Who waits for news of a user within this process.

Comes in: the projector's word that a user's rows have changed. Goes out: streams of events that wake at once. Not here: the
news itself, which stands in the vault; another portal's projector may have written it, so nobody waits for a word alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

Person = tuple[str, str]


class Wakes:
    """The waiting, by user."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Person, set[asyncio.Event]] = defaultdict(set)

    def tell(self, people: Iterable[Person]) -> None:
        """Rows of these (agency, user) may be others now."""
        for person in people:
            for event in self._waiting.get(person, ()):
                event.set()

    @contextmanager
    def of(self, agency_id: str, user_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when there are news; clear it before looking."""
        person, event = (agency_id, user_id), asyncio.Event()
        self._waiting[person].add(event)
        try:
            yield event
        finally:
            self._waiting[person].discard(event)
            if not self._waiting[person]:
                del self._waiting[person]
