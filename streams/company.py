"""What lingers in a producer leaves in company: one request for all partitions, as Java's producer does it.

In: aiokafka's accumulator of batches. Out: the same one, mended. aiokafka lets the batch of each partition linger for
itself, so records of a dozen partitions that come within `linger_ms` leave in nearly as many requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer


def leave_together(producer: AIOKafkaProducer) -> None:
    """Have every batch that begins while another one lingers leave with that one; before anything is sent."""
    accumulator = producer._message_accumulator  # noqa: SLF001 - nothing public says when a batch leaves
    append, linger = accumulator._append_batch, accumulator._linger_time  # noqa: SLF001
    leaves = float("-inf")

    def append_batch(*args: Any) -> Any:
        nonlocal leaves
        batch = append(*args)
        begun = batch._ctime  # noqa: SLF001 - what aiokafka counts from
        if begun >= leaves:
            leaves = begun + linger
        batch._linger_time = leaves - begun  # noqa: SLF001
        return batch

    if linger:
        accumulator._append_batch = append_batch  # noqa: SLF001
