"""A worker's share of the project's quota: that of its partitions, less what their last owners may have used of it.

In: how many calls a minute the whole deployment may make, and how partitions were left. Out: the quota, set. Google counts
the calls of the last minute, whoever made them: without this a rolling restart would use the windows of all workers twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.windows import GUESS, MINUTE

if TYPE_CHECKING:
    from streams.owners import Inheritance
    from streams.quota import Quota


class Shares:
    """One per worker."""

    def __init__(self, quota: Quota, project: int, partitions: int) -> None:
        """Take the calls per minute of the whole deployment, and in how many partitions its users stand."""
        self._quota, self._project, self._partitions = quota, project, partitions

    def take(self, partitions: frozenset[int], left: Inheritance) -> None:
        """Take the share of these partitions."""
        self._quota.share(self._of(partitions))
        # Partitions come with their part of what their last owner knew, ourselves or others: what was called for users that
        # have another owner now is that one's to count.
        self._quota.schedule.project.give_away(left.gone)
        self._quota.schedule.project.forget_told()
        # Nobody can say what an owner called that died: for a minute half of its share is taken to be used.
        self._quota.charge(GUESS, -(-self._of(left.silent) // 2), MINUTE)
        for whose, (calls, seconds) in left.spent.items():
            self._quota.charge(whose, calls, seconds)

    def _of(self, partitions: frozenset[int]) -> int:
        return self._project * len(partitions) // self._partitions
