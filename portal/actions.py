"""Stop and re-sync: what the user asks of the workers.

Comes in: a checked form. Goes out: a command on `sync-commands`, and the page again once its effect is seen, or a moment later.
Not here: what a command does; what came of it is told by the topics.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import orjson

from portal.parts import NotPassedOn
from portal.said import say
from portal.tab import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from portal.guard import Visit
    from portal.tab import Tab

#: The page waits so long for what was asked, so that who has no JavaScript sees it, too.
_PATIENCE_S: Final = 1.5
_LOOK_S: Final = 0.1


async def stop(visit: Visit) -> Response:
    """Disconnect; with `events` = `remove` ours are taken off first."""
    purge = visit.form.get("events") == "remove"
    command: dict[str, object] = {"command": "disconnect"} | ({"purge": True} if purge else {})
    now = visit.parts.clock()
    if not await _passed_on(visit, command):
        return visit.back()
    said = say(now, "stop_purge" if purge else "stop")
    await visit.keep(stopping=now.isoformat(), said=said, resync=None)
    await _seen(visit, lambda tab: tab.standing.mode in {"stopped", "not_connected", "deactivated"})
    return visit.back()


async def resync(visit: Visit) -> Response:
    """Ask for a look at Google. Within the cool-down it would be refused: that is said without asking."""
    now, cooldown = visit.parts.clock(), timedelta(seconds=visit.parts.settings.resync_cooldown_s)
    asked = visit.session.pending.get("resync")
    if asked is not None:
        left = datetime.fromisoformat(orjson.loads(asked)["at"]) + cooldown - now
        if left > timedelta(0):
            seconds = math.ceil(left.total_seconds())
            await visit.keep(said=say(now, "cooldown", {"seconds": seconds}))
            return visit.back()
    event_id, before = uuid4().hex, (await look(visit)).view
    if not await _passed_on(visit, {"command": "resync", "event_id": event_id}):
        return visit.back()
    looked_at = None if before is None or before.looked_at is None else before.looked_at.isoformat()
    kept = orjson.dumps({"at": now.isoformat(), "event_id": event_id, "looked_at": looked_at}).decode()
    await visit.keep(resync=kept, said=None)
    asking = replace(visit, session=replace(visit.session, pending={**visit.session.pending, "resync": kept}))
    await _seen(asking, lambda tab: tab.resync is not None and (tab.resync.done or tab.resync.refused))
    return visit.back()


async def _passed_on(visit: Visit, command: dict[str, object]) -> bool:
    try:
        await visit.parts.commands.send(visit.session.agency_id, visit.session.user_id, command)
    except NotPassedOn:
        await visit.keep(said=say(visit.parts.clock(), "kafka"))
        return False
    return True


async def _seen(visit: Visit, reached: Callable[[Tab], bool]) -> None:
    """Wait a moment for the effect; whatever is later, the page shows by itself."""
    clock = asyncio.get_running_loop().time
    until = clock() + _PATIENCE_S
    while clock() < until and not reached(await look(visit)):
        await visit.parts.bell.wait(visit.session.agency_id, visit.session.user_id, _LOOK_S)
