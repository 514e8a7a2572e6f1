"""(d) The old algorithm: every minute, for every user, list what stands there and write what differs.

What is wanted is read from the topic into memory, from its beginning. A round looks at everybody, `CALLS` calls at a time,
with the longest pages that Google gives. The bench shortens the minute: a round costs the same calls however long the pause
before it is, so figures count rounds, and only the wait for the next round scales with the interval.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer

from bench.peers.common import Change, Job, read, run, version_of
from bench.peers.writer import Writer

PAGE = 2_500
Wanted = defaultdict[str, dict[str, Change]]


async def main(job: Job) -> None:
    """Look at everybody until told to end."""
    wanted: Wanted = defaultdict(dict)
    consumer = AIOKafkaConsumer(job.topic, bootstrap_servers=job.bootstrap, auto_offset_reset="earliest")
    async with Writer(job) as writer, consumer:
        reading = asyncio.create_task(_read(consumer, wanted))
        try:
            while not reading.done():
                began = time.monotonic()
                await asyncio.gather(*(_look(writer, user, dict(wanted[user])) for user in job.tokens))
                took = time.monotonic() - began
                print(f"a round of {len(job.tokens)} users took {took:.3f} s", flush=True)
                await asyncio.sleep(max(0.0, job.interval - took))
            reading.result()
        finally:
            reading.cancel()


async def _read(consumer: AIOKafkaConsumer, wanted: Wanted) -> None:
    async for message in consumer:
        for change in read(message.value):
            known = wanted[change.user].get(change.event["id"])
            if known is None or known.version < change.version:
                wanted[change.user][change.event["id"]] = change


async def _look(writer: Writer, user: str, wanted: dict[str, Change]) -> None:
    """List a user's events and write what differs."""
    standing = await _list(writer, user)
    events = writer.events
    for event_id, change in wanted.items():
        if event_id not in standing:
            await writer.call(user, events.insert(calendarId="primary", json=change.event))
        elif not change.is_old(standing[event_id]):
            event = {name: value for name, value in change.event.items() if name != "id"}
            await writer.call(user, events.patch(calendarId="primary", eventId=event_id, json=event))


async def _list(writer: Writer, user: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    page: str | None = None
    while True:
        request = writer.events.list(
            calendarId="primary",
            privateExtendedProperty=f"agency={user.partition('/')[0]}",
            maxResults=PAGE,
            pageToken=page,
        )
        answer = await writer.call(user, request)
        found |= {event["id"]: event for event in answer["items"] if version_of(event)}
        page = answer.get("nextPageToken")
        if page is None:
            return found


if __name__ == "__main__":
    uvloop.install()
    run(main(Job.given()))
