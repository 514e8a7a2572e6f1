"""The worker: everything put together, once.

Comes in: settings, policies. Goes out: a running stream processor, until a signal ends it. The only place that knows
all parts; no part knows this one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from gcal.client import GoogleSettings
from schemas.errors import OperatorError
from schemas.rows import UserRow
from streams import logs, serve, tables, topics
from streams.agents import REMEMBERED, Tools, define_calendars, define_intake, define_users
from streams.agreement import agree
from streams.backlog import Backlog
from streams.clock import Pulse
from streams.cluster import Cluster
from streams.continuity import Continuity
from streams.faustapp import Wiring, make_app
from streams.gate import Gate
from streams.health import health
from streams.lanes import Lanes
from streams.membership import membership
from streams.metrics import Metrics
from streams.outside import Live
from streams.owners import Owners
from streams.quota import Quota
from streams.reach import broker_of
from streams.rebuild import Rebuild
from streams.repository import Repository
from streams.sender import Sender
from streams.shares import Shares
from streams.slimness import keep_slim
from streams.tracing import tracing_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from aiokafka.structs import TopicPartition

    from schemas.policy import Policies
    from streams.faustapp import App
    from streams.outside import Outside
    from streams.settings import Settings

log = logging.getLogger(__name__)

HEARTBEAT_S = 2.0

#: Results and statuses may wait so long for others to share their request, in milliseconds.
TELL_WITHIN_MS = 10


def run(settings: Settings, policies: Policies, *, accept_truncated_history: bool = False) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    logs.configure(settings)
    with membership(settings.state_dir, settings.instance_id) as instance_id:
        outside = Live(settings, google_of(settings))
        worker = Worker(settings, policies, instance_id, outside)
        serve.run(worker.run(accept_truncated_history=accept_truncated_history))


class Worker:
    """One worker of the group. `Lifecycle` of its Faust app: what a rebalance asks of the lanes."""

    def __init__(self, settings: Settings, policies: Policies, instance_id: str, outside: Outside) -> None:
        self._settings, self._policies, self._instance_id = settings, policies, instance_id
        self._outside, self._names = outside, outside.names
        self._broker = broker_of(settings)
        self._metrics = Metrics()
        self._paused_at = time.monotonic()
        self._wiring = Wiring(
            self._names.app_id,
            self._broker,
            settings.state_dir,
            settings.partitions,
            self._names.user_facts,
            store=settings.store,
            instance_id=instance_id,
            session_timeout=settings.session_timeout_s,
            fetch_wait_ms=settings.fetch_wait_ms,
            heartbeat_interval=min(HEARTBEAT_S, settings.session_timeout_s / 3),
        )

    async def run(self, *, accept_truncated_history: bool = False) -> None:
        """Start, serve, stop."""
        async with AsyncExitStack() as stack:
            self._tracing = tracing_of(self._settings, self._names.app_id)
            stack.push_async_callback(self._tracing.stop)
            cluster = await stack.enter_async_context(Cluster(self._broker))
            await self._check_topics()
            sender, teller = Sender(self._broker), Sender(self._broker, linger_ms=TELL_WITHIN_MS)
            for one in (sender, teller):
                await one.start()
                stack.push_async_callback(one.stop)
            for topic in (self._names.user_facts, self._names.calendar_facts):
                await sender.partitions(topic)
            await agree(cluster, sender, self._names)
            await self._outside.open(stack, self._check, self._tracing.http())
            self._rebuild = Rebuild(
                cluster,
                sender,
                self._names,
                accept_truncated_history=accept_truncated_history,
                tell_what_no_input_holds=partial(self._outside.tell_what_no_input_holds, sender),
            )
            self._owners = Owners(cluster, sender, self._names, self._instance_id)
            await self._rebuild.begin()
            app = self._build(cluster, (sender, teller))
            await stack.enter_async_context(health(self._settings, self.is_ready, self._page))
            await stack.enter_async_context(self._beside(sender))
            log.info("worker of group %s starts", self._names.app_id, extra={"decision": "worker_starts"})
            await serve.serve(app)
            log.info("worker of group %s stopped", self._names.app_id, extra={"decision": "worker_stopped"})

    def _check(self) -> None:
        """Raise where no call to Google may begin any more."""
        self._desk.check()

    async def _check_topics(self) -> None:
        differences = await topics.check(self._broker, self._names.specs(self._settings.partitions))
        for one in differences:
            if one.severity is topics.Severity.WARNING:
                log.warning("%s", one, extra={"decision": "topics_differ"})
        if errors := [str(one) for one in differences if one.severity is topics.Severity.ERROR]:
            raise OperatorError("; ".join(errors))

    def _build(self, cluster: Cluster, senders: tuple[Sender, Sender]) -> App:
        settings, (sender, teller) = self._settings, senders
        self._pulse = Pulse(self._wiring.session_timeout, self._wiring.heartbeat_interval)
        continuity = Continuity(cluster, frozenset(self._names.internal), self._pulse.is_fresh)
        self._app = app = make_app(self._wiring, self, continuity)
        tools = Tools(app, self._names, sender, teller, self._metrics, self._tracing)
        define_intake(tools)
        define_calendars(tools)
        rows = Repository(app.raw_table("users"), UserRow, REMEMBERED)
        loop = asyncio.get_running_loop()
        self._quota = Quota(
            settings.google_project_per_minute,
            settings.google_user_per_minute,
            settings.google_calls,
            loop.time,
        )
        self._quota.schedule.backlog = Backlog(self._unfolded)
        self._shares = Shares(self._quota, settings.google_project_per_minute, settings.partitions)
        self._desk = self._outside.desk(
            rows=rows,
            policies=self._policies,
            port=self._outside.port,
            vault=self._outside.tokens,
            quota=self._quota,
            sender=sender,
            names=self._names,
            metrics=self._metrics,
            pulse=self._pulse,
            tracing=self._tracing,
            calls_at_once=settings.lane_calls,
            fail=app.fail,
        )
        self._lanes = Lanes(self._desk)
        define_users(tools, rows, self._lanes, self._policies, timedelta(seconds=settings.resync_cooldown_s))
        self._gate = Gate(app, cluster, self._rebuild, self._open)
        return app

    @asynccontextmanager
    async def _beside(self, sender: Sender) -> AsyncIterator[None]:
        """Run what runs beside the streams."""
        works = (
            self._pulse.beat(),
            self._lanes.rounds(),
            *self._outside.works(sender),
            keep_slim(lambda: len(self._lanes) > 0 or self._app.is_folding()),
        )
        tasks = [asyncio.create_task(self._guarded(work), context=Context()) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever breaks beside the streams ends the worker, as its reason
            self._app.fail(error)

    def _unfolded(self) -> int:
        """Return how many facts of our users are not folded yet; what lanes tell of their own calls asks for none."""
        waiting = -self._desk.reports
        for tp, processed, end in self._positions():
            if tp.topic == self._names.user_facts:
                waiting += max(0, end - max(processed, self._lanes.folded_to(tp.partition)))
        return waiting

    def _positions(self) -> Iterator[tuple[TopicPartition, int, int]]:
        """Yield how far each partition is processed, and its end by the last fetch: that is fresh enough, and free."""
        for tp, processed in self._app.continuity.processed.items():
            try:
                end = self._app.consumer.highwater(tp)
            except AssertionError:  # aiokafka's way to say that the partition was given up
                continue
            yield tp, processed, end or 0

    # Lifecycle: what a rebalance and a stop ask of us

    def pause(self) -> None:
        """Begin no new call."""
        self._desk.paused = True
        self._paused_at = time.monotonic()

    async def drain(self) -> None:
        """End the gate and the lanes, before the partitions are given up."""
        if given_up := self._app.open_partitions:
            fields = {"decision": "partitions_given_up", "partitions": sorted(given_up)}
            log.info("partitions are given up, until the group has shared them out anew", extra=fields)
        await self._gate.disarm()
        unsure = await self._lanes.drain()
        await self._owners.release(self._quota.spent(), unsure=unsure)

    def opened(self, partitions: frozenset[int]) -> None:
        """Wait until we are caught up."""
        self._gate.arm(partitions)

    async def _open(self, partitions: frozenset[int]) -> None:
        """Take our share of the quota, less what the last owners may have used of it, and let lanes run."""
        left = await self._owners.claim(partitions)
        self._shares.take(partitions, left)
        self._lanes.open(partitions, left.unclean)
        paused = time.monotonic() - self._paused_at
        self._metrics.opened(paused)
        fields = {
            "decision": "partitions_taken",
            "partitions": sorted(partitions),
            "seconds": round(paused, 3),
        }
        log.info("partitions are taken up, calls go on", extra=fields)

    # Health

    def is_ready(self) -> bool:
        """Say whether tables are recovered, the gate is passed, and every wanted partition is assigned."""
        return self._gate.is_open

    def _page(self) -> bytes:
        self._metrics.lanes.set(len(self._lanes))
        self._metrics.waiting.set(self._quota.waiting)
        self._metrics.permits.set(self._quota.schedule.project.limit)
        self._metrics.used.set(sum(calls for calls, _ in self._quota.spent().values()))
        self._metrics.circuit.set(self._quota.schedule.circuit.is_open)
        self._metrics.open.set(self.is_ready())
        for name, table in self._app.tables.items():
            rows, taken = tables.size(table)
            self._metrics.rows.labels(name).set(rows)
            self._metrics.bytes.labels(name).set(taken)
        for tp, processed, end in self._positions():
            self._metrics.lag.labels(tp.topic, tp.partition).set(max(0, end - processed))
        return self._metrics.page()


def google_of(settings: Settings) -> GoogleSettings:
    """Return how Google is reached."""
    if settings.google_client_id is None and settings.google_token_url == GoogleSettings("").token_url:
        raise OperatorError(
            "SHIFTCAL_GOOGLE_CLIENT_ID is not set: take the OAuth client id and secret of your Google Cloud project"
        )
    return GoogleSettings(
        api_url=settings.google_api_url,
        token_url=settings.google_token_url,
        revoke_url=settings.google_revoke_url,
        client_id=settings.google_client_id or "",
        client_secret=settings.google_client_secret,
        timeout_s=settings.google_timeout_s,
        connections=settings.google_calls,
    )
