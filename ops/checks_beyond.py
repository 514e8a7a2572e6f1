"""Checks of `doctor` beyond Kafka: the database, the keys, Google, and the clock against Google's.

In: settings. Out: findings. Nothing is written or migrated, and nobody's grant is used.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ops.checks_kafka import ALLOWED
from ops.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gcal.client import GoogleSettings
    from ops.findings import Outcome
    from streams.settings import Settings

#: Commands whose time is further ahead of the broker's are bad messages.
_TOO_FAR: Final = timedelta(minutes=5)
_NAMED: Final = 5
_ADMITTED: Final = "invalid_grant"


async def database(settings: Settings, seconds: float) -> list[Finding]:
    """Look at the database, and try the keys on every token."""
    from vault import inspect  # noqa: PLC0415  as in `ops.vaults`

    keys = [key.get_secret_value() for key in settings.vault_keys]
    # Half of the time: a look that was begun is ended, and its error says more than that there was no answer.
    found = await inspect(settings.database_url.get_secret_value(), keys, wait_s=seconds / 2)
    if found.step is None:
        said = "there are no tables yet"
        return [
            Finding("database", "warning", said, "the first worker, or `connections import`, makes them"),
            _keys(settings, 0, 0, ()),
        ]
    if found.step != found.newest:
        said = f"its tables are at step {found.step}, this release has {found.newest}"
        return [
            Finding(
                "database", "warning", said, "the next worker of this release brings an older one up to date"
            ),
            _keys(settings, 0, 0, ()),
        ]
    said = (
        f"reached, up to date; {found.live} connections are live, {found.revoking} wait for their revocation"
    )
    tokens = found.live + found.revoking
    return [Finding("database", "ok", said), _keys(settings, tokens, found.older, found.unreadable)]


def _keys(settings: Settings, tokens: int, older: int, unreadable: Sequence[str]) -> Finding:
    if not settings.vault_keys:
        make = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
        return Finding(
            "keys",
            "failed",
            "SHIFTCAL_VAULT_KEYS is not set: no worker starts without",
            f"make one with {make}",
        )
    if unreadable:
        named = ", ".join(unreadable[:_NAMED]) + (" and others" if len(unreadable) > _NAMED else "")
        return Finding(
            "keys",
            "failed",
            f"{len(unreadable)} of {tokens} tokens fit none of SHIFTCAL_VAULT_KEYS: those of {named}",
            "add the key they were stored with to the end of the list, or let these users connect again",
        )
    said = f"{len(settings.vault_keys)} keys; they open all {tokens} tokens"
    if older:
        return Finding(
            "keys", "ok", said, f"{older} are sealed with an older key: `shiftcal vault rotate` renews them"
        )
    return Finding("keys", "ok", said)


async def google(settings: Settings, seconds: float) -> list[Finding]:
    """Show Google's token endpoint our client."""
    from gcal import reachable  # noqa: PLC0415
    from streams.worker import google_of  # noqa: PLC0415  Faust takes half a second

    found = await reachable.token_endpoint(_within(google_of(settings), seconds))
    if found.word == _ADMITTED:
        finding = Finding("google client", "ok", f"{settings.google_token_url} answers, and takes the client")
    else:
        finding = Finding(
            "google client",
            "warning",
            f"{settings.google_token_url} answers to a grant that nobody gave with {found.word}, not {_ADMITTED}",
            "check SHIFTCAL_GOOGLE_CLIENT_ID, SHIFTCAL_GOOGLE_CLIENT_SECRET and SHIFTCAL_GOOGLE_TOKEN_URL",
        )
    return [finding, _clock(found.ahead)]


async def google_api(settings: Settings, seconds: float) -> list[Finding]:
    """Ask the Calendar API."""
    from gcal import reachable  # noqa: PLC0415  as above
    from gcal.client import GoogleSettings  # noqa: PLC0415

    await reachable.api(_within(GoogleSettings("", api_url=settings.google_api_url), seconds))
    return [Finding("google api", "ok", f"{settings.google_api_url} answers")]


def _within(settings: GoogleSettings, seconds: float) -> GoogleSettings:
    return replace(settings, timeout_s=min(settings.timeout_s, seconds))


def _clock(ahead: timedelta | None) -> Finding:
    name = "clock: Google"
    if ahead is None:
        return Finding(name, "skipped", "Google's answer told no time")
    if abs(ahead) <= ALLOWED:
        return Finding(name, "ok", "this machine's clock agrees with Google's")
    off = f"{abs(ahead).total_seconds():.0f} s {'ahead of' if ahead > timedelta(0) else 'behind'} Google's"
    outcome: Outcome = "failed" if abs(ahead) > _TOO_FAR else "warning"
    return Finding(name, outcome, f"this machine's clock is {off}", "set it by a time server")
