"""(a) What a developer writes first: one message after the other; ask whether the event exists, then write.

aiokafka's consumer as its documentation begins, with automatic commits. google-api-python-client builds one service from the
discovery document that it ships, and each user has an authorized `httplib2.Http` of its own, kept, so that connections are too
(https://googleapis.github.io/google-api-python-client/docs/thread_safety.html). Calls block, so they run in a thread: else no
heartbeat would be sent while messages wait.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import httplib2
from aiokafka import AIOKafkaConsumer
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from bench.peers.common import Change, Job, read, run


class Calendars:
    """Everybody's calendar, written one call at a time."""

    def __init__(self, job: Job) -> None:
        options = {"api_endpoint": f"{job.google}/calendar/v3/"}
        service = build("calendar", "v3", http=httplib2.Http(), static_discovery=True, client_options=options)
        self._events = service.events()
        self._job = job
        self._https: dict[str, AuthorizedHttp] = {}

    def write(self, change: Change) -> None:
        """Make the event as it should be."""
        http = self._http(change.user)
        found = self._find(http, change.event["id"])
        if found is None:
            self._events.insert(calendarId="primary", body=change.event).execute(http=http)
        elif not change.is_old(found):
            event = {name: value for name, value in change.event.items() if name != "id"}
            self._events.patch(calendarId="primary", eventId=found["id"], body=event).execute(http=http)

    def _find(self, http: AuthorizedHttp, event_id: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._events.get(calendarId="primary", eventId=event_id).execute(
                http=http
            )
        except HttpError as error:
            if error.resp.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return found

    def _http(self, user: str) -> AuthorizedHttp:
        if user not in self._https:
            credentials = Credentials(  # type: ignore[no-untyped-call]  # google-auth has types in part
                token=None,
                refresh_token=self._job.tokens[user],
                token_uri=f"{self._job.google}/token",
                client_id="bench",
                client_secret="bench",  # noqa: S106 - the stand-in takes any
            )
            self._https[user] = AuthorizedHttp(credentials, http=httplib2.Http())
        return self._https[user]


async def main(job: Job) -> None:
    """Read and write until told to end."""
    calendars = Calendars(job)
    async with AIOKafkaConsumer(
        job.topic, bootstrap_servers=job.bootstrap, group_id=job.topic, auto_offset_reset="earliest"
    ) as consumer:
        async for message in consumer:
            for change in read(message.value):
                await asyncio.to_thread(calendars.write, change)


if __name__ == "__main__":
    run(main(Job.given()))
