"""What `validate` says, for a person or for a script.

In: findings, one by one. Out: lines, or one JSON document that is written as it grows. Nothing is kept: a file may have
a million bad lines.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson

from ops.console import complain, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.judge import Finding


class TextReport:
    """Findings on standard error, the sum on standard output."""

    def __init__(self, name: str) -> None:
        self._name = name

    def bad(self, finding: Finding) -> None:
        """Tell what is wrong."""
        complain(f"{self._name}:{finding.line}: {finding.error}")

    def doubtful(self, finding: Finding) -> None:
        """Tell what is perhaps not meant."""
        complain(f"{self._name}:{finding.line}: warning: {finding.error}")

    def end(self, topics: Mapping[str, int], bad: int) -> None:
        """Tell the sum."""
        good = sum(topics.values())
        shares = ", ".join(f"{topic} {count}" for topic, count in topics.items())
        say(f"{self._name}: {good} good" + (f" ({shares})" if shares else "") + f", {bad} bad")


class JsonReport:
    """``{"file", "findings": [...], "good", "bad", "topics"}`` on standard output."""

    def __init__(self, name: str) -> None:
        self._separator = f'{{"file": {orjson.dumps(name).decode()}, "findings": ['

    def bad(self, finding: Finding) -> None:
        """Tell what is wrong."""
        self._add("error", finding)

    def doubtful(self, finding: Finding) -> None:
        """Tell what is perhaps not meant."""
        self._add("warning", finding)

    def end(self, topics: Mapping[str, int], bad: int) -> None:
        """Tell the sum."""
        rest: dict[str, Any] = {"good": sum(topics.values()), "bad": bad, "topics": dict(topics)}
        opening = "" if self._separator == "," else self._separator
        sys.stdout.write(f"{opening}\n], {orjson.dumps(rest).decode()[1:]}\n")

    def _add(self, severity: str, finding: Finding) -> None:
        item = {
            "severity": severity,
            "line": finding.line,
            "field": finding.field,
            "reason": finding.reason,
            "error": finding.error,
        }
        sys.stdout.write(f"{self._separator}\n{orjson.dumps(item).decode()}")
        self._separator = ","
