"""Authorize: to Google's consent page and back, and what then becomes of the consent.

Comes in: the button, and the browser that Google sends back. Goes out: a connection in the vault, announced at once, with a
word of what happened for the user's page; or nothing at all, and a word why. Not here: HTTP with Google (`gcal.consent`).

A question is kept in the session under its state, and taken out of it once: an answer of Google's that belongs to no session,
or comes a second time, does nothing. Where a consent is of no use it is given back, unless somebody lives on it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from starlette.responses import RedirectResponse, Response

from gcal.consent import Question
from gcal.port import Grant
from gcal.probe import FATAL, Place, probe
from portal.guard import session_of
from portal.pages import parts_of, refusal, words_of
from portal.said import say
from portal.targets import SCOPES, Refused, Target, own_calendar, target_of
from schemas.errors import GoogleForNow, GrantLost, NotAdmitted
from vault import NewConnection

if TYPE_CHECKING:
    from starlette.requests import Request

    from gcal.consent import Consent
    from portal.guard import Visit
    from portal.parts import Parts
    from vault import PortalSession

log = logging.getLogger(__name__)

#: How long somebody may take on Google's page.
PATIENCE: Final = timedelta(minutes=15)
#: Authorizations of one session that are open at once: tabs.
_OPEN_MOST: Final = 5
_QUESTION: Final = "question "

#: A key of `said`, and what belongs to it.
Said = tuple[str, dict[str, object]]


class _Asked(NamedTuple):
    """An authorization that is under way."""

    question: Question
    target: Target


def redirect_uri(parts: Parts) -> str:
    """Where Google sends the browser back to; it has to be registered with the OAuth client."""
    return f"{parts.public.url}/connect/back"


async def authorize(visit: Visit) -> Response:
    """Send the browser to Google's consent page."""
    parts, session, question = visit.parts, visit.session, Question.new()
    target = target_of(visit)
    kept = {
        "verifier": question.verifier,
        "nonce": question.nonce,
        "at": parts.clock().isoformat(),
        "target": target,
    }
    open_ones = sorted(
        (name for name in session.pending if name.startswith(_QUESTION)),
        key=lambda name: orjson.loads(session.pending[name])["at"],
    )
    forgotten = dict.fromkeys(open_ones[: 1 - _OPEN_MOST]) if len(open_ones) >= _OPEN_MOST else {}
    await visit.keep(**forgotten, said=None, **{_QUESTION + question.state: orjson.dumps(kept).decode()})
    info = await parts.vault.connection_info(session.agency_id, session.user_id)
    known = info.google_account if info is not None and info.state == "live" else None
    address = parts.google.consents.address(question, SCOPES[target], redirect_uri(parts), known)
    return RedirectResponse(address, 303)


async def back(request: Request) -> Response:
    """Take what Google sends the browser back with."""
    parts, words = parts_of(request), words_of(request)
    if request.method == "HEAD":  # whoever only asks whether the address works must not use the answer up
        return Response(status_code=204)
    session = await session_of(request)
    if session is None or session.role != "user":
        return refusal(request, 403, words("error.state"))
    asked = await _taken(parts, session, request.query_params.get("state", ""))
    if asked is None:
        return refusal(request, 403, words("error.state"))
    try:
        said, more = await _connected(parts, session, asked, request.query_params.get("code"))
    except Refused as refused:
        said, more = refused.said, {"findings": list(refused.findings)}
    fresh = await parts.vault.sessions.get(session.id, parts.clock()) or session
    await parts.vault.sessions.keep(session.id, {**fresh.pending, "said": say(parts.clock(), said, more)})
    return RedirectResponse(f"{parts.public.path}/", 303)


async def _taken(parts: Parts, session: PortalSession, state: str) -> _Asked | None:
    kept = await parts.vault.sessions.take(session.id, _QUESTION + state)
    if kept is None:
        return None
    found = orjson.loads(kept)
    if parts.clock() - datetime.fromisoformat(found["at"]) > PATIENCE:
        return None
    return _Asked(Question(state, found["verifier"], found["nonce"]), found["target"])


async def _connected(parts: Parts, session: PortalSession, asked: _Asked, code: str | None) -> Said:
    if code is None:
        # access_denied, or one of the rarer words of RFC 6749, 4.1.2.1: in any case nobody consented.
        raise Refused("denied")
    consent = await _redeemed(parts, code, asked.question)
    try:
        async with parts.connecting(session.agency_id, session.user_id):
            return await _stored(parts, session, consent, asked.target)
    except Refused:
        await _given_back(parts, consent)
        raise


def _said(decision: str, error: GrantLost | GoogleForNow | NotAdmitted) -> dict[str, str]:
    return {"decision": decision, "reason": error.code}


async def _redeemed(parts: Parts, code: str, question: Question) -> Consent:
    try:
        return await parts.google.consents.redeem(code, question, redirect_uri(parts))
    except GrantLost as error:
        log.warning("a consent came to nothing: %s", error.code, extra=_said("consent_refused", error))
        raise Refused("account") from None
    except GoogleForNow as error:
        log.warning("a consent could not be redeemed: %s", error, extra=_said("consent_waits", error))
        raise Refused("unavailable") from None
    except NotAdmitted as error:
        said = _said("consents_not_admitted", error)
        log.error("no consent can be redeemed: %s", error, extra=said)  # noqa: TRY400  a line for the operator, not a bug
        raise Refused("operator") from None


async def _stored(parts: Parts, session: PortalSession, consent: Consent, target: Target) -> Said:
    if SCOPES[target] not in consent.scopes:
        raise Refused("partial")
    at = parts.clock()
    grant = Grant(session.agency_id, session.user_id, consent.refresh_token, at, consent.scopes)
    try:
        calendar = "primary" if target == "primary" else await own_calendar(parts, session, consent, grant)
        place = Place(grant, calendar, consent.account)
        findings = await probe(parts.google.calendar, place, parts.clock)
    finally:
        # The worker has tokens of its own; this one was for the test.
        parts.google.calendar.forget(session.agency_id, session.user_id)
    if FATAL.intersection(findings):
        raise Refused("failed", findings)
    new = NewConnection(
        session.agency_id, session.user_id, consent.account, consent.refresh_token,
        tuple(sorted(consent.scopes)), calendar,
    )  # fmt: skip
    stored = await parts.vault.store(new, at)
    if not stored.applied:
        raise Refused("newer")
    await parts.commands.announce()
    more: dict[str, object] = {"account": consent.account, "findings": list(findings)}
    return "connected_but" if findings else "connected", more


async def _given_back(parts: Parts, consent: Consent) -> None:
    """Have Google forget a consent that nobody uses. Google revokes whole accounts, so not where somebody lives on it."""
    if await parts.vault.uses_account(consent.account):
        return
    try:
        await parts.google.calendar.revoke(consent.refresh_token)
    except GoogleForNow as error:
        log.warning(
            "a consent that was of no use could not be given back: %s",
            error,
            extra=_said("consent_kept", error),
        )
