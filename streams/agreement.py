"""Which format the group writes, as a durable fact that all of its processes heed.

In: records of `APP_ID-rebuild`. Out: the format that this process writes from now on, or `FormatTooNew`. Not here: what a
format is (`schemas.formats`), and its bytes (`codec`).

The record `format` says it; without one it is 1. A worker looks when it starts, before anything else of the group is touched,
and at each assignment, before its lanes open. So a worker that is too old makes no call.
"""

from __future__ import annotations

import json
import logging
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.structs import TopicPartition

from schemas import formats
from streams.errors import FormatTooNew, RuntimeRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.cluster import Cluster
    from streams.names import Names
    from streams.sender import Sender

    Records = Iterable[tuple[bytes | None, bytes | None]]

log = logging.getLogger(__name__)
KEY: Final = b"format"


class Agreed(NamedTuple):
    """The group's format, and the release that raised it to that; none for the first."""

    number: int = 1
    release: str | None = None


def release() -> str:
    """Name this release."""
    try:
        return version("shiftcal")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"


def newest(records: Records) -> Agreed:
    """Return what was said last."""
    said = [json.loads(value) for key, value in records if key == KEY and value is not None]
    return Agreed(int(said[-1]["number"]), str(said[-1]["release"])) if said else Agreed()


def heed(records: Records) -> Agreed:
    """Write the group's format from now on; raises where this release cannot."""
    agreed = newest(records)
    if agreed.number > formats.NEWEST:
        raise FormatTooNew(
            f"release {agreed.release} has raised rows and messages of this group to format {agreed.number}, and this release"
            f" ({release()}) knows formats up to {formats.NEWEST}: start release {agreed.release} or a newer one;"
            " nothing was read, and no call was made to Google"
        )
    if agreed.number < formats.OLDEST_WRITTEN:
        raise RuntimeRefused(
            f"rows and messages of this group are in format {agreed.number}, and this release ({release()}) writes"
            f" {formats.OLDEST_WRITTEN} at the least: start a release between the two first, and run"
            " `shiftcal topics raise-format` with it"
        )
    if agreed.number != formats.written():
        log.info("rows and messages are written in format %d from now on", agreed.number)
    formats.write(agreed.number)
    return agreed


async def agree(cluster: Cluster, sender: Sender, names: Names) -> None:
    """Heed the group's format as a worker that starts; a group that has nothing yet begins with the newest."""
    records = await read(cluster, names)
    if not records and formats.NEWEST > 1:
        await announce(sender, names)
        records = await read(cluster, names)
    heed(records)


async def read(cluster: Cluster, names: Names) -> list[tuple[bytes | None, bytes | None]]:
    """Read what the group's processes tell each other."""
    return await cluster.read(TopicPartition(names.rebuild, 0))


async def announce(sender: Sender, names: Names) -> None:
    """Raise the group to the newest format. There is no way back."""
    value = {"number": formats.NEWEST, "release": release()}
    await sender.deliver(names.rebuild, KEY, json.dumps(value).encode())
