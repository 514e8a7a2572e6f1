"""Changes at an even pace while something happens to the workers, and how long each user had to wait for his.

In: users. Out: changes sent from a thread, each with its moment; waits and gaps, by the stand-in's journal. Both clocks are
this machine's monotonic one. Not here: what happens meanwhile.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from streams.sender import partition_of
from tests.e2e.messages import Json, in_days, shift
from tests.e2e.world import PARTITIONS, Agency, User, Worker

_CAUGHT_UP = re.compile(r"caught up with \S+, partitions \[([\d, ]*)\]")


class Pace:
    """Sends a new version of everybody's next shift, which is soon, user after user, and now and then a new one for later."""

    def __init__(self, agency: Agency, per_second: float) -> None:
        self._agency, self._every = agency, 1 / per_second
        self.sent: list[tuple[float, User]] = []
        self.wanted: dict[str, set[str]] = {user.id: set() for user in agency.users}

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Send during this block."""
        ended = threading.Event()
        sender = threading.Thread(target=self._send, args=(ended,))
        sender.start()
        try:
            yield
        finally:
            ended.set()
            sender.join()

    def _send(self, ended: threading.Event) -> None:
        for round_, user in ((number, user) for number in itertools.count(1) for user in self._agency.users):
            if ended.wait(self._every):
                return
            title, fresh = f"{user.id} v{round_}", f"{user.id} also {round_}"
            changes = [shift(f"flow-{user.id}", 1_000 + round_, user.id, title=title, start=in_days(0.5))]
            if round_ % 3 == 0:
                changes.append(shift(fresh, 1, user.id, start=in_days(5 + round_)))
                self.wanted[user.id].add(fresh)
            self.wanted[user.id] = {one for one in self.wanted[user.id] if " v" not in one} | {title}
            self.sent.append((time.monotonic(), user))
            self._agency.schedule(*changes)

    def missing(self) -> dict[str, list[str]]:
        """What does not stand in somebody's calendar as it was sent last, or stands there and should not."""
        seen = {user.id: set(user.titles()) for user in self._agency.users}
        return {who: sorted(seen[who] ^ wanted) for who, wanted in self.wanted.items() if seen[who] != wanted}

    def longest_wait(self, journal: Iterable[Json]) -> float:
        """From a change to its user's next call, the longest of all."""
        calls: dict[str, list[float]] = {}
        for one in journal:
            if str(one["method"]).startswith("events."):
                calls.setdefault(str(one["account"]), []).append(one["mono"])
        waits = [
            min((at for at in calls.get(user.account, ()) if at >= sent), default=float("inf")) - sent
            for sent, user in self.sent
        ]
        return max(waits)


def owned(worker: Worker) -> set[int]:
    """The partitions of users that the worker opened last."""
    said = _CAUGHT_UP.findall(worker.log.read_text(errors="replace"))
    return {int(number) for number in said[-1].split(",") if number.strip()}


def openings(worker: Worker) -> int:
    """How often it was given partitions."""
    return len(_CAUGHT_UP.findall(worker.log.read_text(errors="replace")))


def users_of(worker: Worker, users: Iterable[User]) -> list[User]:
    """Those whose lanes run in this worker."""
    mine = owned(worker)
    return [user for user in users if partition_of(user.key.encode(), PARTITIONS) in mine]


def longest_gap(journal: Iterable[Json], users: Iterable[User], since: float, until: float) -> float:
    """The longest time without any call for these users, between two moments."""
    accounts = {user.account for user in users}
    moments = [one["mono"] for one in journal if one["account"] in accounts and since <= one["mono"] <= until]
    gaps: list[float] = [later - earlier for earlier, later in itertools.pairwise([since, *moments, until])]
    return max(gaps)
