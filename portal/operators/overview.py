"""The first page: agencies, what waits longest, quota, how fast it was, and whether the page itself is up to date.

In: a visit. Out: HTML. Each part that needs somebody else, Kafka or a worker, says plainly where it got no answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from portal.operators import pages
from portal.operators.held import held
from portal.operators.lag import lag
from portal.operators.pages import id_of, show
from portal.operators.plot import HEIGHT, HOUR, WIDTH, plot
from portal.operators.scrape import crew

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response

    from portal.guard import Visit
    from schemas.outputs import SyncState
    from vault.projection import Projection

#: So many agencies are shown; others are found by their id.
_MOST: Final = 100


class Agency(NamedTuple):
    """One agency: how many users in which state, and since when the oldest change waits."""

    agency_id: str
    states: Mapping[SyncState, int]
    oldest_at: datetime | None

    @property
    def users(self) -> int:
        """All users."""
        return sum(self.states.values())


async def home(visit: Visit) -> Response:
    """The page."""
    parts, now = visit.parts, visit.parts.clock()
    projection = parts.vault.projection
    behind, workers = await asyncio.gather(
        pages.ask(lag(parts.settings)), crew(parts.settings.portal_workers)
    )
    counts = await projection.counts()
    wanted = visit.request.query_params.get("q", "").strip()[:200]
    names = sorted({agency for agency, _ in counts if wanted.casefold() in agency.casefold()})
    return await show(
        visit,
        "home.html",
        agencies=[await _agency(projection, name, counts) for name in names[:_MOST]],
        more=max(0, len(names) - _MOST),
        q=wanted,
        oldest=await projection.oldest(),
        crew=workers,
        project=parts.settings.google_project_per_minute,
        topics=behind.answer,
        kafka_trouble=behind.trouble,
        held=await held(parts.vault),
        plot=plot(await projection.latency(now - HOUR), now),
        width=WIDTH,
        height=HEIGHT,
        freshness=parts.freshness,
    )


async def lags(visit: Visit) -> Response:
    """How far the workers are behind, partition by partition."""
    asked = await pages.ask(lag(visit.parts.settings))
    return await show(visit, "lag.html", topics=asked.answer or [], trouble=asked.trouble)


async def audit(visit: Visit) -> Response:
    """The newest of what operators did."""
    agency = id_of(visit, "agency")
    entries = await visit.parts.vault.audit.newest(200, agency=agency)
    return await show(visit, "audit.html", entries=entries, q=agency or "")


async def _agency(projection: Projection, name: str, counts: Mapping[tuple[str, SyncState], int]) -> Agency:
    oldest = await projection.oldest(name)
    states = {state: count for (agency, state), count in counts.items() if agency == name}
    return Agency(name, states, oldest.status.oldest_pending_at if oldest else None)
