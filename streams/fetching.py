"""Fetches that say only what changed: incremental fetch sessions for aiokafka.

In: the full requests of aiokafka's fetcher. Out: the same answers. A worker reads a hundred partitions and more, and with each
record it asks again. aiokafka names all of them in every request, and the broker answers for all of them; in a session
(https://cwiki.apache.org/confluence/display/KAFKA/KIP-227) either side tells what is new to the other. Whatever is not as
expected ends the session, and the next request is a full one, which begins another.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aiokafka.protocol.fetch import FetchRequest

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer
    from aiokafka.client import AIOKafkaClient

    #: (topic, partition) -> (offset, the most bytes to return)
    Wanted = dict[tuple[str, int], tuple[int, int]]

#: The first version of the request that knows sessions, https://kafka.apache.org/protocol#The_Messages_Fetch
SINCE = 7
_NOT_FOUND = 70  # FETCH_SESSION_ID_NOT_FOUND: the broker let go of it, or is another one than before
_LAST_EPOCH = 2**31 - 1


class Session:
    """What one broker knows of our partitions. Epoch 0 asks for a new session; id 0 says that there is no old one to end."""

    def __init__(self) -> None:
        self.id = 0
        self.epoch = 0
        self.known: Wanted = {}

    def renew(self) -> None:
        """Ask for a new session with the next request."""
        self.epoch = 0
        self.known = {}

    def news(self, wanted: Wanted) -> tuple[Wanted, list[tuple[str, int]]]:
        """Return what the broker has to be told: partitions that came or moved on, and those that it may forget."""
        came = {tp: place for tp, place in wanted.items() if self.known.get(tp) != place}
        gone = [tp for tp in self.known if tp not in wanted]
        self.known = wanted
        return came, gone

    def answered(self, error: int, session_id: int) -> None:
        """Take note of an answer."""
        if error or not session_id:
            self.id = 0 if not error or error == _NOT_FOUND else self.id
            self.renew()
            return
        self.id = session_id
        self.epoch = self.epoch % _LAST_EPOCH + 1


class _Request(FetchRequest):
    """A fetch within a session."""

    def __init__(self, full: FetchRequest, session: Session) -> None:
        self.__dict__.update(full.__dict__)
        self._full, self._session = full, session

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class.API_VERSION < SINCE:
            return super().build(request_struct_class)
        wanted = {
            (topic, partition): (offset, most)
            for topic, partitions in self._full.topics
            for partition, offset, most in partitions
        }
        came, gone = self._session.news(wanted)
        topics: dict[str, list[tuple[int, int, int]]] = {}
        for (topic, partition), (offset, most) in came.items():
            topics.setdefault(topic, []).append((partition, offset, most))
        forgotten: dict[str, list[int]] = {}
        for topic, partition in gone:
            forgotten.setdefault(topic, []).append(partition)
        self._topics = list(topics.items())
        request = super().build(request_struct_class)
        request.session_id, request.session_epoch = self._session.id, self._session.epoch
        request.forgotten_topics_data = list(forgotten.items())
        return request


class SessionClient:
    """aiokafka's client as its fetcher sees it: what is asked in full is sent in short."""

    def __init__(self, client: AIOKafkaClient, subscriptions: Any) -> None:
        self._client, self._subscriptions = client, subscriptions
        self.sessions: dict[int, Session] = {}
        self._assignment: object = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """Send to this broker; a fetch within its session."""
        if not isinstance(request, FetchRequest):
            return await self._client.send(node_id, request, **options)
        assignment = self._subscriptions.subscription.assignment
        if assignment is not self._assignment:
            # aiokafka knows nothing of its partitions, and an answer leaves out what has not changed.
            self._assignment = assignment
            for other in self.sessions.values():
                other.renew()
        session = self.sessions.setdefault(node_id, Session())
        try:
            response = await self._client.send(node_id, _Request(request, session), **options)
        except BaseException:  # nobody knows whether it was served; cancelled ones are as well
            session.renew()
            raise
        if response.API_VERSION >= SINCE:
            session.answered(response.error_code, response.session_id)
        self._note(assignment, request)
        return response

    def _note(self, assignment: Any, request: FetchRequest) -> None:
        """Say of partitions without news, too, that they were asked for: Faust takes the others for stuck."""
        if not assignment.active:
            return
        now_ms = int(time.time() * 1000)
        for topic, partitions in request.topics:
            for partition, _, _ in partitions:
                assignment.state_value((topic, partition)).timestamp = now_ms


def use_sessions(consumer: AIOKafkaConsumer) -> None:
    """Have a consumer that was started fetch in sessions."""
    fetcher = consumer._fetcher  # noqa: SLF001 - it is made by the consumer's start
    fetcher._client = SessionClient(fetcher._client, fetcher._subscriptions)  # noqa: SLF001
