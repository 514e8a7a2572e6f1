"""What every peer needs to know: where things are, and what a message wants of whose calendar.

Comes in: a job's file, messages. Goes out: `Job`, `Change`s. Not here: Kafka, Google, and anything of the product's code.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from base64 import b32hexencode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Coroutine

#: Calls under way at once: as many as the product allows itself.
CALLS = 128


class Job(NamedTuple):
    """Where messages come from and go to; `tokens` are refresh tokens by user, `interval` is for who works by the clock."""

    bootstrap: str
    topic: str
    google: str
    tokens: dict[str, str]
    interval: float

    @classmethod
    def given(cls) -> Job:
        """Read the file that the command line names."""
        return cls(**json.loads(Path(sys.argv[1]).read_text()))


class Change(NamedTuple):
    """One event as it should be, in whose calendar."""

    user: str
    version: int
    event: dict[str, Any]

    def is_old(self, found: dict[str, Any]) -> bool:
        """Say whether what stands there is as new as this; whoever asks first gets this for nothing."""
        return version_of(found) >= self.version


def read(message: bytes) -> list[Change]:
    """Return what a `schedule-changed` message wants."""
    said = orjson.loads(message)
    return [_change(said, one["shift"]) for one in said["changes"]]


def version_of(event: dict[str, Any]) -> int:
    """Return the version that an event carries."""
    return int(event["extendedProperties"]["private"]["version"])


def discovery() -> dict[str, Any]:
    """Return Google's description of its Calendar API, which google-api-python-client ships."""
    text = files("googleapiclient").joinpath("discovery_cache/documents/calendar.v3.json").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run until SIGTERM, which ends it in good order: the group is left at once."""

    async def until_told() -> None:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            await main
        except asyncio.CancelledError:
            print("told to end", flush=True)

    asyncio.run(until_told())


def _change(said: dict[str, Any], shift: dict[str, Any]) -> Change:
    names = (said["agency_id"], said["calendar_id"], shift["shift_id"])
    digest = sha256("\x1f".join(names).encode()).digest()
    version = shift["version"]
    event = {
        "id": "bgs" + b32hexencode(digest).decode().rstrip("=").lower(),
        "summary": shift["title"],
        "location": shift["location"],
        "description": shift["notes"],
        "start": {"dateTime": shift["start"], "timeZone": shift["time_zone"]},
        "end": {"dateTime": shift["end"], "timeZone": shift["time_zone"]},
        "extendedProperties": {"private": {"agency": names[0], "version": str(version)}},
    }
    return Change(f"{names[0]}/{shift['user_id']}", version, event)
