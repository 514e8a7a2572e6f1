"""A person's consent: where the browser is sent, and what the code is worth that it brings back.

Comes in: an OAuth client, a scope, a code. Goes out: the address of Google's consent page with PKCE (RFC 7636), state and
nonce; then a `Consent`, or an exception of `schemas.errors` that holds neither codes nor tokens. Not here: browsers,
sessions, and what is done with a token afterwards.

The account's address is read from the id_token. It comes straight from Google over TLS, so its signature needs no check:
https://developers.google.com/identity/openid-connect/openid-connect#obtainuserinfo
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import jwt
import orjson
from pydantic import SecretStr

from gcal import oauth
from gcal.transport import Transport
from schemas.errors import GrantLost, NotAdmitted

if TYPE_CHECKING:
    from gcal.client import GoogleSettings
    from gcal.transport import Reply

#: Events on calendars that the person owns: the least that lets us write to the primary one.
SCOPE_EVENTS_OWNED: Final = "https://www.googleapis.com/auth/calendar.events.owned"
#: Who consented; asked beside the calendar's scope.
IDENTITY: Final = ("openid", "email")
_ISSUERS: Final = frozenset({"https://accounts.google.com", "accounts.google.com"})
#: Google's codes have at most 256 bytes; whatever is much longer is none.
_CODE_MOST: Final = 2_048


@dataclass(frozen=True, slots=True)
class Question:
    """One visit of the consent page. `state` travels with the browser, `verifier` and `nonce` stay with us."""

    state: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)

    @classmethod
    def new(cls) -> Question:
        """A question that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(64), secrets.token_urlsafe(24))

    @property
    def challenge(self) -> str:
        """What Google is told of the verifier (RFC 7636, 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to, and who it was: `account` is the address of the Google account."""

    account: str
    scopes: frozenset[str]
    refresh_token: SecretStr


class Consents:
    """Google's consent page and token endpoint, for one OAuth client. It belongs to the loop that uses it first."""

    def __init__(self, google: GoogleSettings, auth_url: str) -> None:
        self._google = google
        self._auth_url = auth_url
        self._transport = Transport(google.timeout_s, 16)

    @property
    def origin(self) -> str:
        """Where the consent page stands, as a browser's policies name it."""
        parts = urlsplit(self._auth_url)
        return f"{parts.scheme}://{parts.netloc}"

    def address(self, question: Question, scope: str, redirect_uri: str, hint: str | None = None) -> str:
        """Return the consent page's address. `hint`: the account that is meant, where that is known."""
        asked = {
            "client_id": self._google.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join((*IDENTITY, scope)),
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": question.challenge,
            "code_challenge_method": "S256",
            "access_type": "offline",
            # Google gives a refresh token with the first consent only, unless it is asked to show the page again.
            # https://developers.google.com/identity/protocols/oauth2/web-server#offline
            "prompt": "consent" if hint else "select_account consent",
        }
        if hint:
            asked["login_hint"] = hint
        return f"{self._auth_url}?{urlencode(asked)}"

    async def redeem(self, code: str, question: Question, redirect_uri: str) -> Consent:
        """Return what the code stands for. A code works once; Google checks it against the question's verifier."""
        if not 0 < len(code) <= _CODE_MOST:
            raise GrantLost("invalid_grant", _CODE)
        secret = self._google.client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": question.verifier,
            "redirect_uri": redirect_uri,
            "client_id": self._google.client_id,
        }
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        reply = await self._transport.post_form(self._google.token_url, form)
        return self._consent(reply, question)

    async def close(self) -> None:
        """Close every connection; nothing may be asked afterwards."""
        await self._transport.close()

    def _consent(self, reply: Reply, question: Question) -> Consent:
        secret = self._google.client_secret
        has_client = bool(self._google.client_id and secret and secret.get_secret_value())
        oauth.issued(reply, datetime.now(UTC), has_client=has_client)  # raises for all but a good answer
        answer = orjson.loads(reply.body)
        claims = _claims(answer.get("id_token"))
        account = claims.get("email")
        nonce = str(claims.get("nonce", ""))
        if not hmac.compare_digest(nonce.encode(), question.nonce.encode()):
            raise GrantLost("nonce_mismatch", _CODE)
        if claims.get("iss") not in _ISSUERS or claims.get("aud") != self._google.client_id:
            raise NotAdmitted("id_token", _FOREIGN)
        if not isinstance(account, str) or "@" not in account or claims.get("email_verified") is not True:
            raise GrantLost("no_account", _NO_ACCOUNT)
        refresh_token = answer.get("refresh_token")
        if not isinstance(refresh_token, str) or not refresh_token:
            raise GrantLost("no_refresh_token", _NO_REFRESH)
        scopes = frozenset(str(answer.get("scope", "")).split())
        return Consent(account, scopes, SecretStr(refresh_token))


def _claims(token: Any) -> dict[str, Any]:
    try:
        return dict(jwt.decode(str(token), options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        pass
    # Raised out here, so that it does not drag along an exception that holds the token.
    raise GrantLost("no_account", _NO_ACCOUNT)


_CODE = "Google does not accept this answer of its consent page: it was used before, or is too old."
_FOREIGN = "The token endpoint answered for another OAuth client; check SHIFTCAL_GOOGLE_TOKEN_URL and SHIFTCAL_GOOGLE_CLIENT_ID."
_NO_ACCOUNT = "Google did not say whose account it is; the user has to connect again."
_NO_REFRESH = "Google gave access for an hour only; the user has to connect again."
