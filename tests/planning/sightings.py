"""What people did to events of ours, and which looks at Google saw it: an oracle that knows nothing of the code.

Comes in: acts, looks, and the messages as far as they were delivered. Goes out: whether an event may be missing, or
altered, under an agency's `on_drift`. It allows where the order of things leaves a doubt, and never asks for respect:
that is asked for in the quiet, where nothing is in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.planning.oracle import Said, newest_connect, newest_version

Who = tuple[str, str]
Name = tuple[str, str, str]  # agency, calendar, shift


@dataclass
class Sighting:
    """An act that a look has shown; `versions` and `connects`: those of its shift and user that it may count for."""

    who: Who
    account: str
    name: Name
    kind: str
    told_at: int
    versions: set[int | None] = field(default_factory=set)
    connects: set[str] = field(default_factory=set)


class Sightings:
    """All acts, unseen and seen."""

    def __init__(self) -> None:
        self._acts: set[tuple[str, Name, str]] = set()
        self._seen: list[Sighting] = []

    def act(self, account: str, name: Name, kind: str) -> None:
        """Somebody deleted or altered the event."""
        self._acts.add((account, name, kind))

    def look(self, who: Who, account: str, told_at: int, said: Iterable[Said]) -> None:
        """A look of this user shows the acts on events of the user's agency; it is folded as fact number `told_at`."""
        shown = {act for act in self._acts if act[0] == account and act[1][0] == who[0]}
        for _, name, kind in sorted(shown):
            self._seen.append(Sighting(who, account, name, kind, told_at))
        self._acts -= shown
        self.go_on(said, told_at)

    def go_on(self, said: Iterable[Said], folded: int) -> None:
        """Messages were delivered; a look that is not folded yet may be folded with what they say."""
        told = list(said)
        for one in self._seen:
            if one.told_at >= folded:
                one.versions.add(newest_version(told, *one.name))
                one.connects.add(newest_connect(told, one.who))

    def settled(self, who: Who, name: Name) -> None:
        """The event stands as wished: whatever was done to it is past."""
        self._seen = [one for one in self._seen if (one.who, one.name) != (who, name)]

    def forget(self) -> None:
        """All state is lost: the next look is the first."""
        self._seen = []

    def may_differ(self, who: Who, account: str, name: Name, said: Iterable[Said]) -> frozenset[str]:
        """Return what may have been done to the event since its shift has this version and its user this connect."""
        told = list(said)
        version, connect = newest_version(told, *name), newest_connect(told, who)
        return frozenset(
            one.kind
            for one in self._seen
            if (one.who, one.account, one.name) == (who, account, name)
            and version in one.versions
            and connect in one.connects
        )
