"""Faust's aiokafka transport and tables with our changes: a shorter fetch wait, the seek made known, acks that wait for changelogs.

In: Faust's own classes. Out: subclasses that `streams.faustapp.App` uses. Not here: anything about messages.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import faust
from faust.tables import manager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams import each
from streams.acks import run_now
from streams.changelogs import Outgoing, Record
from streams.company import leave_together
from streams.errors import NotOurs
from streams.fetching import use_sessions
from streams.joining import mend
from streams.unthreaded import Unthreaded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    import aiokafka
    from aiokafka.structs import RecordMetadata
    from faust.types import Message

    from streams.faustapp import App


#: How many messages are handed over before the agents have their turn.
YIELD_EVERY = 100


class Thread(Unthreaded):
    """What Faust calls the consumer's thread."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Hard-coded as 1,500 ms in Faust. Every question on the same connection (ends of changelogs at recovery, the gate's
        # ends) waits behind the fetch, so it is what a rebalance costs on an idle cluster.
        consumer._fetch_max_wait_ms = cast("App", transport.app).wiring.fetch_wait_ms  # noqa: SLF001
        return consumer

    async def on_start(self) -> None:
        """Start, and join the group in our own way."""
        await super().on_start()
        use_sessions(self._ensure_consumer())
        mend(self._ensure_consumer()._coordinator)  # noqa: SLF001

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to its committed offset, one that has none to its beginning."""
        return await self.call_thread(self._seek_to_committed)  # type: ignore[no-any-return]

    async def _seek_to_committed(self) -> dict[TP, int | None]:
        """Ask once for all partitions; aiokafka asks one after the other, a tenth of a second or more at each rebalance.

        Where nothing is committed aiokafka does not seek at all: records that Faust fetched and threw away while its flow was
        stopped would never come again.
        """
        consumer = self._ensure_consumer()
        assigned = consumer._subscription.assigned_partitions()  # noqa: SLF001
        committed = await consumer._coordinator.fetch_committed_offsets(assigned)  # noqa: SLF001
        offsets: dict[TP, int | None] = {}
        unread = []
        for tp in assigned:
            position = committed[tp].offset if tp in committed and committed[tp].offset >= 0 else None
            offsets[TP(tp.topic, tp.partition)] = position
            if position:
                consumer.seek(tp, position)
            elif not self.consumer._is_changelog_tp(tp):  # noqa: SLF001
                unread.append(tp)
        if unread:
            await consumer.seek_to_beginning(*unread)
        return offsets


class Consumer(driver.Consumer):
    """The main loop's view of the consumer."""

    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Hand what was fetched to the agents, and only what has to wait to Faust's loop, which starts four tasks for each.

        So what was fetched together waits together, and an agent takes it in one piece.
        """
        taken = 0
        async for tp, message in super().getmany(timeout):
            if not self._may_take(tp, message):
                yield tp, message
                continue
            run_now(self.callback(message))
            self._read_offset[tp] = message.offset
            taken += 1
            if taken % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def _may_take(self, tp: TP, message: Message) -> bool:
        """Say whether this message is the next of its partition, and nothing makes its delivery wait."""
        app, last = self.app, self._read_offset[tp]
        topics = app.topics
        return (
            self.flow_active
            and app.flow_control.is_active()
            and (last is None or 0 <= message.offset - last <= 1)
            and not topics._tp_to_callback_lock.locked()  # noqa: SLF001 - held while topics are handed out anew
            and not any(channel.queue.full() for channel in topics._tp_index.get(tp, ()))  # noqa: SLF001 - as above
        )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the streams end and commit, before Faust does so itself: it forgets every ack first.

        What was acked since the last commit of its timer, half a second ago, would come again to the next owner.
        """
        if (assigned := self.assignment()) and not self.app.should_stop:
            self.stop_flow()
            self.app.flow_control.suspend()
            self.pause_partitions(assigned)
            self.app.flow_control.clear()
            await self.wait_empty()
        if self.app.should_stop:
            # Nobody else may have our partitions before everything is drained and committed.
            await cast("Thread", self._thread).sit_out()
        await super().on_partitions_revoked(revoked)

    async def commit_and_end_transactions(self) -> None:
        """Commit everything that is acked, before partitions are given up.

        Where a commit is under way, Faust waits for that one and makes none of its own: what was acked since it began would come
        again to the next owner, and be told again.
        """
        while await self.maybe_wait_for_commit_to_finish():
            pass
        await super().commit_and_end_transactions()

    async def verify_all_partitions_active(self) -> None:
        """Look at nothing: lag is a metric.

        Faust's watch over slow partitions dies of a partition whose offset is being sought just then, or that was given up,
        since aiokafka answers with an AssertionError or with None.
        """

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Ask the group for everything or for nothing.

        While it is stopped Faust subscribes to what is left: at the start without the changelogs. The leader deals out topics of
        the same subscribers alike, so a worker that leaves some out has the others given tables that do not fit their topics.
        """
        asked = frozenset(topics)
        if cast("App", self.app).subscribed() <= asked:
            await super().subscribe(asked)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek, and tell the continuity guard where to."""
        offsets: Mapping[TP, Any] = await super().seek_to_committed()
        cast("App", self.app).continuity.sought(
            {tp: offset for tp, offset in offsets.items() if not self._is_changelog_tp(tp)}
        )
        return offsets


class Producer(driver.Producer):
    """Carries changelogs only."""

    changelogs: Outgoing

    async def on_start(self) -> None:
        """Connect, and let no row out that a frozen process had still to send once its partition is somebody else's.

        It would stand behind the rows of the new owner, and be taken for the newest at the next recovery.
        """
        await super().on_start()
        sender = self._producer._sender  # noqa: SLF001 - the last place before the socket
        send, continuity = sender._send_produce_req, cast("App", self.app).continuity  # noqa: SLF001

        async def send_ours(node: int, batches: Mapping[TP, Any]) -> None:
            if await continuity.still_ours():
                await send(node, batches)
                return
            for tp, batch in batches.items():
                batch.failure(exception=NotOurs())
                sender._muted_partitions.discard(tp)  # noqa: SLF001
            sender._in_flight.discard(node)  # noqa: SLF001

        sender._send_produce_req = send_ours  # noqa: SLF001
        leave_together(self._ensure_producer())
        self.changelogs = Outgoing(self._ensure_producer().send)
        self.add_future(self.changelogs.run())

    async def flush(self) -> None:
        """Wait until everything is sent, what is not the producer's yet included."""
        if self._producer is not None:
            await self.changelogs.flush()
        await super().flush()


class Transport(driver.Transport):
    """Faust's transport over the three above."""

    Consumer = Consumer
    Producer = Producer


class TableManager(manager.TableManager):
    """Faust's tables as a whole."""

    async def on_start(self) -> None:
        """Start at once: Faust waits a second for tables that are declared late, and ours are there before the app starts."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class Table(faust.Table):
    """Faust's table, telling the event under way of every changelog record."""

    def on_key_set(self, key: bytes, value: bytes) -> None:
        """Tell the changelog; Faust's own would also ask whether the row expires, which none does."""
        self._tell(key, value)

    def on_key_del(self, key: bytes) -> None:
        """Tell the changelog that the row is gone."""
        self._tell(key, None)

    def _tell(self, key: bytes, value: bytes | None) -> None:
        partition = self.partition_for_key(key)
        assert partition is not None  # noqa: S101 - that of the event under way
        record = Record(self.changelog_topic.get_topic_name(), partition, key, value, self._note_sent)
        each.table_written(cast("Producer", self.app.producer).changelogs.put(record))

    def _note_sent(self, delivery: asyncio.Future[RecordMetadata]) -> None:
        """Note how far the rows on disk go, as Faust does, unless somebody else's records lie in between.

        Then the partition was somebody else's for a while, and is read again from here at the next recovery.
        """
        if delivery.cancelled() or delivery.exception() is not None:
            return  # the event's ack fails of it
        sent = delivery.result()
        tp = TP(sent.topic, sent.partition)
        known = self.data.persisted_offset(tp)
        if sent.offset == (-1 if known is None else known) + 1:
            self.data.set_persisted_offset(tp, sent.offset)
