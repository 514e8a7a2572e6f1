"""Messages handed to the workers once more.

In: records of the input topics. Out: their facts on the internal topics, with the coordinates that they had, and a
count. Dead letters are not written again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.intake import Source, read
from streams.kafka import Pipeline, timestamp

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

    from ops.concerned import Concerned
    from streams.names import Names
    from streams.sender import Sender


class Hand:
    """Hands messages to the workers, as intake would; without a sender it only counts."""

    def __init__(self, names: Names, sender: Sender | None, concerned: Concerned) -> None:
        self.names = names
        self._sender = sender
        self._concerned = concerned
        self._pipeline = Pipeline()
        self.messages = self.facts = self.unreadable = 0

    async def take(self, name: str, record: ConsumerRecord[bytes, bytes]) -> None:
        """Take one message."""
        from streams.agents import hand_over  # noqa: PLC0415  Faust takes a while

        found = read(
            Source(
                name,
                record.topic,
                record.partition,
                record.offset,
                timestamp(record),
                record.key,
                record.value,
                tuple(record.headers),
            )
        )
        self.messages += 1
        self.facts += len(found.calendar_facts) + len(found.user_facts)
        self.unreadable += len(found.letters)
        self._concerned.add(found)
        if self._sender is not None:
            await self._pipeline.take(*await hand_over(found._replace(letters=()), self._sender, self.names))

    async def end(self) -> str:
        """Wait for the deliveries and tell the sum."""
        await self._pipeline.flush()
        said = f"{'read' if self._sender is None else 'handed over'} {self.messages} messages: {self.facts} facts"
        return said + (f", {self.unreadable} parts cannot be read" if self.unreadable else "")
