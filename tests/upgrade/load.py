"""Changes that flow while something else happens, and whether all of them arrived, each once.

In: an agency. Out: a thread that edits shifts at a steady pace, and a judge of calendars, calls and results.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from types import TracebackType
from typing import Final, Self

from tests.e2e.messages import gone, in_days, shift
from tests.e2e.world import Agency, User

SHIFTS: Final = 4
PAUSE_S: Final = 0.05
WRITES: Final = ("events.insert", "events.patch", "events.delete")


class Load:
    """Some twenty messages a second while it is entered. `truth`: by user and shift the newest title, None where deleted."""

    def __init__(self, agency: Agency, seed: int = 1) -> None:
        self.agency, self._random = agency, random.Random(seed)
        self.truth: dict[tuple[str, str], str | None] = {}
        self.versions: Counter[str] = Counter()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None

    def __enter__(self) -> Self:
        self._ending.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._ending.set()
        self._thread.join()
        assert self._failed is None, self._failed

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self.one()
                time.sleep(PAUSE_S)
        except Exception as error:  # noqa: BLE001 - told by whoever ends the load
            self._failed = error

    def one(self) -> None:
        """One message: a shift is made, edited, or now and then deleted."""
        user = self._random.choice(self.agency.users)
        number = self._random.randrange(SHIFTS)
        shift_id = f"{user.id}-{number}"
        self.versions[shift_id] += 1
        version = self.versions[shift_id]
        if version % 5 == 0:
            self.truth[user.id, shift_id] = None
            self.agency.schedule(gone(shift_id, version))
            return
        title = self.truth[user.id, shift_id] = f"{shift_id} v{version}"
        self.agency.schedule(shift(shift_id, version, user.id, start=in_days(1 + number), title=title))

    def right(self, user: User) -> bool:
        """Whether the calendar shows the newest of everything, and nothing else."""
        wanted = [title for (owner, _), title in self.truth.items() if owner == user.id and title is not None]
        return user.titles() == sorted(wanted)

    def complaints(self) -> list[str]:
        """What is lost, left behind or done twice, once everything is quiet."""
        found = [
            f"{one.id}: {one.titles()}, and not {self.truth}"
            for one in self.agency.users
            if not self.right(one)
        ]
        world = self.agency.world
        stats = world.google.stats()
        found += [f"inserted twice: {one}" for one in stats["duplicate_inserts"]]
        found += [f"overlapping: {one}" for one in stats["overlaps"]]
        return found + self._written_too_often() + self._told_twice()

    def _written_too_often(self) -> list[str]:
        """A shift is written once a version at the most; what was done again would be one more."""
        writes: Counter[tuple[str, str]] = Counter()
        for one in self.agency.world.google.journal():
            # A revival of what was deleted is refused first, and then a write.
            if one["method"] in WRITES and one["committed"]:
                writes[one["account"], one["event_id"]] += 1
        allowed = {
            (user.account, user.id_of(shift_id)): self.versions[shift_id]
            for user in self.agency.users
            for shift_id in self.versions
            if shift_id.rpartition("-")[0] == user.id
        }
        return [
            f"{account} {event}: {count} writes for {allowed.get((account, event), 0)} versions"
            for (account, event), count in writes.items()
            if count > allowed.get((account, event), 0)
        ]

    def _told_twice(self) -> list[str]:
        """One call is told with its time; told again after a rebalance it has the same one."""
        told: defaultdict[tuple[str, int, str], set[str]] = defaultdict(set)
        for one in self.agency.world.records("sync-results"):
            result = one.json
            told[result["shift_id"], result["version"], result["action"]].add(result["at"])
        return [
            f"{what} was made {len(times)} times: {sorted(times)}"
            for what, times in told.items()
            if len(times) > 1
        ]
