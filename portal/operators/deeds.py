"""What an operator does: asked once, written down first, done, and said.

In: a checked form of an operator. Out: an entry in the audit log, then the deed; another entry where Kafka does not take it. Not
here: what the deeds are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from portal.operators.pages import ask, show
from vault import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.responses import Response

    from portal.guard import Visit


class Deed(NamedTuple):
    """What is done, to what: `user_id` where it is done to a person. `said` names the sentence for the page after it."""

    action: str
    agency_id: str
    subject: str
    said: str
    user_id: str | None = None
    detail: str = ""


async def do(visit: Visit, deed: Deed, doing: Coroutine[None, None, None], back: str) -> Response:
    """Write it down, do it, and send the browser back with a word about it."""
    try:
        await _write(visit, deed, deed.action, deed.detail)
    except BaseException:
        doing.close()
        raise
    asked = await ask(doing)
    if asked.trouble is not None:
        await _write(visit, deed, f"{deed.action} failed", asked.trouble)
        return await show(
            visit, "nothing.html", 503, text=visit.words("operators.failed", trouble=asked.trouble)
        )
    await visit.keep(done=orjson.dumps({"said": deed.said, "subject": deed.subject}).decode())
    return visit.back(back)


async def _write(visit: Visit, deed: Deed, action: str, detail: str) -> None:
    session = visit.session
    await visit.parts.vault.audit.write(
        AuditEntry(
            actor=f"{session.agency_id}/{session.user_id}",
            action=action,
            agency_id=deed.agency_id,
            user_id=deed.user_id,
            subject=deed.subject,
            detail=detail,
            at=visit.parts.clock(),
        )
    )
