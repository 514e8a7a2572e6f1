"""The users' page: how it stands, and the buttons.

Comes in: a visit. Goes out: HTML, whole or the part that changes by itself. Not here: what the buttons do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import orjson

from portal import spelling
from portal.choices import fields
from portal.pages import agency_of, page, render
from portal.problems import sentences
from portal.said import still_said
from portal.standing import UNDER_WAY, Standing, standing
from portal.targets import offered
from schemas.views import View
from streams.codec import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from portal.guard import Visit
    from portal.wording import Words
    from schemas.outputs import Action
    from vault import ConnectionInfo, LastResult

PERMISSIONS: Final = "https://myaccount.google.com/permissions"
#: So many of the next shifts are shown.
_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Resync:
    """A re-sync that the user asked for: whether the look is over, was refused, and what it repaired by now."""

    done: bool
    refused: bool
    repaired: Mapping[Action, int]

    @property
    def under_way(self) -> bool:
        """Whether its answer is still to come."""
        return not (self.done or self.refused)


@dataclass(frozen=True, slots=True)
class Tab:
    """What the page shows of a user."""

    info: ConnectionInfo | None
    standing: Standing
    view: View | None
    last: LastResult | None
    late: bool
    resync: Resync | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone that times without a shift are shown in: that of the next shift."""
        shifts = self.view.shifts if self.view is not None else ()
        return ZoneInfo(next((shift.time_zone for shift in shifts if shift.time_zone), "UTC"))


async def look(visit: Visit) -> Tab:
    """Look up how it stands."""
    vault, agency, user = visit.parts.vault, visit.session.agency_id, visit.session.user_id
    info = await vault.connection_info(agency, user)
    status = await vault.projection.status(agency, user)
    raw = await vault.projection.view(agency, user)
    view = None if raw is None else decode(View, raw)
    asked = visit.session.pending.get("stopping")
    stopping_at = datetime.fromisoformat(asked) if asked else None
    stands = standing(info, status, view, stopping_at, visit.parts.clock())
    return Tab(
        info=info,
        standing=stands,
        view=view,
        last=await vault.projection.last_result(agency, user),
        late=visit.parts.freshness.is_late,
        resync=await _resync(visit, stands, view),
    )


async def _resync(visit: Visit, stands: Standing, view: View | None) -> Resync | None:
    """Tell how the last re-sync went. Whether Google was looked at since is told by the view: another time stands there."""
    kept = visit.session.pending.get("resync")
    if kept is None or not stands.connected:
        return None
    asked: dict[str, str | None] = orjson.loads(kept)
    looked_at = None if view is None or view.looked_at is None else view.looked_at.isoformat()
    refused = stands.error is not None and stands.error.code == "resync_cooldown"
    return Resync(
        done=looked_at != asked["looked_at"] and stands.mode not in UNDER_WAY,
        refused=refused,
        repaired=await visit.parts.vault.projection.repairs(
            visit.session.agency_id, visit.session.user_id, str(asked["event_id"])
        ),
    )


async def show(visit: Visit) -> Response:
    """The page."""
    tab = await look(visit)
    policy = visit.parts.policies.of(visit.session.agency_id)
    said = still_said(visit.session.pending.get("said"), tab.standing, visit.parts.clock())
    return page(
        visit.request, "tab.html",
        **_values(visit, tab),
        said=said,
        kinds=None if policy.synced_kinds == {"shift"} else ", ".join(sorted(policy.synced_kinds)),
        choices=await fields(visit) if tab.standing.connected else [],
        target=offered(policy, tab.info),
        refresh=tab.standing.mode in UNDER_WAY or (tab.resync is not None and tab.resync.under_way),
    )  # fmt: skip


def fragment(visit: Visit, tab: Tab) -> str:
    """The part of the page that changes by itself."""
    return render(visit.parts, visit.words, "live.html", **_values(visit, tab))


def _values(visit: Visit, tab: Tab) -> dict[str, Any]:
    words, now = visit.words, visit.parts.clock()
    return {
        "session": visit.session,
        "tab": tab,
        "standing": tab.standing,
        "until": spelling.until(words, tab.standing.until, now, tab.zone),
        "problem": sentences(words, tab.standing, agency_of(visit.session)),
        "last": spelling.change(words, tab.last, tab.zone),
        "found": _found(words, tab.resync),
        "shifts": [spelling.shift(words, shift) for shift in (tab.view.shifts if tab.view else ())[:_MOST]],
        "more": max(0, (tab.view.ahead if tab.view else 0) - _MOST),
        "since": spelling.moment(words, tab.info.connected_at, tab.zone) if tab.info else "",
        "permissions": PERMISSIONS,
    }


def _found(words: Words, resync: Resync | None) -> str | None:
    if resync is None:
        return None
    if resync.refused:
        return words("resync.cooldown_now")
    return spelling.repairs(words, resync.repaired) if resync.done else words("resync.asked")
