"""What workers say of themselves, summed up: quota used and left, who is ready, what waits.

In: the addresses in `PORTAL_WORKERS`. Out: a `Crew`: of each worker its numbers, or why there are none. Not here: counting,
which the workers do. Each is asked when a page is; none is asked for longer than a person waits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Sequence

#: An answer that takes longer is none.
ANSWER_S: Final = 3.0
#: A worker's page has some 30 kB.
_LARGEST: Final = 4 * 1024 * 1024


class Worker(NamedTuple):
    """One worker. `trouble`: why its numbers are not known. Calls of the last minute were `used` of its `share`."""

    url: str
    trouble: str | None = None
    ready: bool = False
    used: int = 0
    share: int = 0
    waiting: int = 0
    lanes: int = 0
    circuit_open: bool = False
    held: int = 0


class Crew(NamedTuple):
    """All workers that are known."""

    workers: tuple[Worker, ...]

    @property
    def known(self) -> list[Worker]:
        """Those that answered."""
        return [worker for worker in self.workers if worker.trouble is None]

    @property
    def silent(self) -> int:
        """How many did not answer; what is summed up is too little then."""
        return len(self.workers) - len(self.known)

    @property
    def used(self) -> int:
        """Calls to Google of the last minute."""
        return sum(worker.used for worker in self.known)

    @property
    def share(self) -> int:
        """Calls a minute that workers may make at present."""
        return sum(worker.share for worker in self.known)

    @property
    def left(self) -> int:
        """Calls that may begin at once."""
        return sum(max(0, worker.share - worker.used) for worker in self.known)

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return sum(worker.waiting for worker in self.known)


async def crew(urls: Sequence[str]) -> Crew:
    """Ask all workers at once."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return Crew(tuple(await asyncio.gather(*(_worker(session, url) for url in urls))))


async def _worker(session: aiohttp.ClientSession, url: str) -> Worker:
    try:
        async with session.get(f"{url}/metrics", allow_redirects=False) as answer:
            if answer.status != 200:
                return Worker(url, trouble=f"it answered {answer.status}")
            text = (await answer.content.read(_LARGEST)).decode()
        return _numbers(url, text)
    except TimeoutError:
        return Worker(url, trouble=f"no answer within {ANSWER_S:g} seconds")
    except aiohttp.ClientConnectorError:
        return Worker(url, trouble="nobody listens there")
    except (aiohttp.ClientError, OSError) as error:
        return Worker(url, trouble=f"it cannot be reached: {type(error).__name__}")
    except (ValueError, KeyError):
        return Worker(url, trouble="what answers there is not a worker of this release")


def _numbers(url: str, text: str) -> Worker:
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }
    return Worker(
        url=url,
        ready=bool(found["shiftcal_gate_open"]),
        used=int(found["shiftcal_permits_used"]),
        share=int(found["shiftcal_permits_per_minute"]),
        waiting=int(found["shiftcal_permits_waiting"]),
        lanes=int(found["shiftcal_lanes"]),
        circuit_open=bool(found["shiftcal_circuit_open"]),
        held=int(found["shiftcal_held_removals"]),
    )
