"""Which of the user's Google calendars is written to: the primary one, or one of its own.

Comes in: what the agency says, what the user chose, a consent. Goes out: the scope to ask for, and the calendar. One of its own is
named after the agency, made once, and found again afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from gcal.consent import SCOPE_EVENTS_OWNED
from gcal.port import SCOPE_APP_CREATED
from portal.pages import agency_of
from schemas.errors import CalendarGone, GoogleForNow, GrantLost, NotAdmitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gcal.consent import Consent
    from gcal.port import Grant
    from portal.guard import Visit
    from portal.parts import Parts
    from schemas.policy import Policy
    from vault import ConnectionInfo, PortalSession

Target = Literal["primary", "own"]
#: The least that lets us write there.
SCOPES: Final[Mapping[str, str]] = {"primary": SCOPE_EVENTS_OWNED, "own": SCOPE_APP_CREATED}
#: A calendar of its own that was made for an account in this session.
_MADE: Final = "made "


class Refused(Exception):
    """Nothing is connected; `said` is a key of `said`, `findings` keys of `test`."""

    def __init__(self, said: str, findings: tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.said, self.findings = said, findings


def target_of(visit: Visit) -> Target:
    """Return which calendar is meant: the agency's word, or the user's where the agency leaves it to users."""
    policy, chosen = visit.parts.policies.of(visit.session.agency_id), visit.form.get("target")
    if "target_calendar" in policy.user_may_choose and chosen in SCOPES:
        return "own" if chosen == "own" else "primary"
    return policy.target_calendar


def offered(policy: Policy, info: ConnectionInfo | None) -> Target | None:
    """Return which one the page offers first: that of the connection before, else the agency's; None: there is no choice."""
    if "target_calendar" not in policy.user_may_choose:
        return None
    if info is None:
        return policy.target_calendar
    return "primary" if info.google_calendar_id == "primary" else "own"


async def own_calendar(parts: Parts, session: PortalSession, consent: Consent, grant: Grant) -> str:
    """Return the calendar of its own: it is made once, and found again afterwards, also where the first try failed."""
    kept = _MADE + consent.account.casefold()
    fresh = await parts.vault.sessions.get(session.id, parts.clock()) or session
    known = await _known(parts, session, consent.account) or fresh.pending.get(kept)
    try:
        if known is not None and await parts.google.calendar.has_calendar(grant, known):
            return known
        made = await parts.google.calendar.make_calendar(grant, agency_of(session))
        fresh = await parts.vault.sessions.get(session.id, parts.clock()) or session
        await parts.vault.sessions.keep(session.id, {**fresh.pending, kept: made})
        return made
    except GoogleForNow:
        raise Refused("unavailable") from None
    except NotAdmitted:
        raise Refused("operator") from None
    except (GrantLost, CalendarGone):
        raise Refused("failed", ("scope",)) from None


async def _known(parts: Parts, session: PortalSession, account: str) -> str | None:
    info = await parts.vault.connection_info(session.agency_id, session.user_id)
    if info is None or info.google_calendar_id == "primary":
        return None
    return info.google_calendar_id if info.google_account.casefold() == account.casefold() else None
