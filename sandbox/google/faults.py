"""Faults on demand: what Google, or the network before it, does on a bad day.

In: rules (what, for which calls, how often) and one `pick` per call. Out: the delay and the fault for that call.
Not here: how a fault is played over HTTP (`wire.py`).
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args, get_type_hints

from sandbox.google.errors import Json, invalid

Kind = Literal["status", "html", "hang", "drop", "empty", "unauthorized", "latency"]


@dataclass(slots=True)
class Fault:
    """One rule. It applies to the calls that match, until `times` or `for_s` is used up."""

    kind: Kind
    """`status`: an error body; `html`: an HTML page; `hang`: no answer for `seconds`, then a closed connection;
    `drop`: the connection is closed; `empty`: 200 without a body; `unauthorized`: 401; `latency`: only later."""
    method: str = "*"
    """Pattern over method names: `events.insert`, `events.*`, `oauth.token`."""
    account: str | None = None
    commit: bool = False
    """Whether the call does its work before the fault hides that: a drop *after* the commit."""
    times: int | None = None
    """The next N matching calls."""
    share: float = 1.0
    """The share of matching calls, drawn from a generator with `seed`."""
    seed: int = 0
    for_s: float | None = None
    """Seconds from now on."""
    after_s: float = 0.0
    """Seconds to wait before it begins."""
    status: int = 503
    reason: str = "backendError"
    message: str = "Backend Error"
    domain: str = "global"
    retry_after: str | None = None
    seconds: float = 3600.0
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    id: int = 0
    hits: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False, compare=False)
    _set_at: float = field(default_factory=time.monotonic, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a repeatable draw, not a secret

    def takes(self, method: str, account: str | None, now: float) -> bool:
        """Whether this call is hit; counts the hit."""
        since = now - self._set_at - self.after_s
        if since < 0 or (self.for_s is not None and since >= self.for_s):
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        if self.account is not None and self.account != account:
            return False
        if not fnmatchcase(method, self.method):
            return False
        if self.share < 1.0 and self._random.random() >= self.share:
            return False
        self.hits += 1
        return True

    def delay_s(self) -> float:
        """The latency of one hit."""
        return (self.latency_ms + self._random.uniform(0, self.jitter_ms)) / 1000


class Faults:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._next_id = 1

    def add(self, kind: Kind, **options: Any) -> Fault:
        """Set a rule; `Fault` describes the options."""
        return self.add_json({"kind": kind, **options})

    def add_json(self, given: Json) -> Fault:
        """Set a rule that came as JSON."""
        wrong = sorted(name for name, value in given.items() if not _fits(name, value))
        if wrong or "kind" not in given:
            raise invalid(f"A fault needs a kind of {get_args(Kind)}; unknown or of a wrong type: {wrong}.")
        rule = Fault(**given)
        rule.id, self._next_id = self._next_id, self._next_id + 1
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> None:
        """Lift one rule; an unknown one is none."""
        self.rules = [rule for rule in self.rules if rule.id != rule_id]

    def clear(self) -> None:
        """Lift all rules."""
        self.rules.clear()

    def pick(self, method: str, account: str | None) -> tuple[float, Fault | None]:
        """The delay of this call (latencies add up) and the first fault that takes it."""
        delay, fault = 0.0, None
        now = time.monotonic()
        for rule in self.rules:
            if (rule.kind == "latency" or fault is None) and rule.takes(method, account, now):
                delay += rule.delay_s()
                if rule.kind != "latency":
                    fault = rule
        return delay, fault

    def to_json(self) -> list[Json]:
        """The rules with their hits."""
        return [{name: value for name, value in asdict(r).items() if name[0] != "_"} for r in self.rules]


_HINTS = {
    name: hint
    for name, hint in get_type_hints(Fault).items()
    if name[0] != "_" and name not in ("id", "hits")
}


def _fits(name: str, value: object) -> bool:
    """Whether a rule has this option and it may have this value."""
    hint = _HINTS.get(name)
    if name == "kind":
        return value in get_args(Kind)
    if hint is None or isinstance(value, bool):
        return hint is bool
    return isinstance(value, hint | int if float in (hint, *get_args(hint)) else hint)
