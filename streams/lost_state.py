"""States of the topics on which a worker must not start, each with its cure.

In: first, last and committed offsets. Out: nothing, or a `RuntimeRefused` of one line. Not here: reading them.
Faust starts on all of these, and calendars would then follow from half of the truth.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka.structs import TopicPartition

from streams.errors import RuntimeRefused
from streams.names import Names

log = logging.getLogger(__name__)
NEW_APP_ID = (
    "run `shiftcal topics create` with a new SHIFTCAL_APP_ID to rebuild the state from the input topics"
)


class TruncatedHistory(RuntimeRefused):
    """State must be rebuilt from input topics whose beginning is gone."""


class StateLost(RuntimeRefused):
    """State that was complete once is not any more."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """What stands in Kafka at the start."""

    starts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]
    committed: Mapping[TopicPartition, int]


def refuse_topics_made_anew(there: Offsets) -> None:
    """A commit beyond the end: Faust would silently drop new records up to the old commit."""
    for tp, offset in sorted(there.committed.items()):
        if offset > there.ends[tp]:
            raise StateLost(
                f"topic {tp.topic} partition {tp.partition} ends at offset {there.ends[tp]}, but {offset} was "
                f"processed already: the topic was made anew; {NEW_APP_ID}"
            )


def refuse_unread_and_gone(there: Offsets, internal: Iterable[TopicPartition]) -> None:
    """Facts that retention deleted before an agent read them."""
    for tp in internal:
        processed = there.committed.get(tp, 0)
        if processed < there.starts[tp]:
            raise StateLost(
                f"topic {tp.topic} partition {tp.partition}: records up to offset {there.starts[tp]} were deleted "
                f"before they were processed (processed up to {processed}); {NEW_APP_ID}"
            )


def refuse_lost_state(there: Offsets, names: Names, recorded: Mapping[TopicPartition, int]) -> None:
    """A topic of ours that is shorter than it was, or a changelog that is empty or has lost its beginning."""
    for tp, end in sorted(recorded.items()):
        if there.ends.get(tp, 0) < end:
            raise StateLost(
                f"topic {tp.topic} partition {tp.partition} ends at offset {there.ends.get(tp, 0)}, it held {end} before: "
                f"part of the state is gone; {NEW_APP_ID}"
            )
    for tp in sorted(there.ends):
        # Compaction never moves the first offset of a partition; deletion does.
        if tp.topic in names.changelogs and there.starts[tp] > 0:
            raise StateLost(
                f"the beginning of changelog {tp.topic} partition {tp.partition} was deleted (it starts at "
                f"{there.starts[tp]}): part of the state is gone; {NEW_APP_ID}"
            )
    users = names.changelog("users")
    folded = sum(offset for tp, offset in there.committed.items() if tp.topic == names.user_facts)
    if folded and not any(end for tp, end in there.ends.items() if tp.topic == users):
        raise StateLost(
            f"{folded} facts about users were processed, but the changelog {users} is empty: the state is gone; "
            f"{NEW_APP_ID}"
        )


def refuse_truncated_history(there: Offsets, inputs: Iterable[TopicPartition], *, accept: bool) -> None:
    """No state yet, and inputs whose beginning is gone."""
    gone = sorted((tp, there.starts[tp]) for tp in inputs if there.starts[tp] > 0)
    if not gone:
        return
    where = ", ".join(f"{tp.topic}/{tp.partition} starts at offset {start}" for tp, start in gone)
    line = f"the state must be rebuilt from input topics whose beginning is gone ({where})"
    if not accept:
        raise TruncatedHistory(
            f"{line}; no call was made to Google. What those records said is lost: events that only they asked for "
            "would be deleted. Start with --accept-truncated-history to go on without them"
        )
    log.warning(
        "%s; going on without it, as --accept-truncated-history says",
        line,
        extra={"decision": "history_truncated"},
    )
