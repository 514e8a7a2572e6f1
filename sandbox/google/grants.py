"""Consents, codes and tokens in memory. No HTTP.

In: who consented to what, for which client. Out: codes, refresh tokens, access tokens, or an `OAuthError`.
Facts played here: https://developers.google.com/identity/protocols/oauth2 and .../oauth2/web-server -
a refresh token only for offline access and only with the first consent (or prompt=consent), at most 100 live ones
per account and client, codes that work once, a revocation that takes everything the project was granted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import jwt

from sandbox.google.errors import Json
from sandbox.google.scopes import EMAIL

CODE_LIFETIME_S = 600.0
REFRESH_TOKENS_PER_CLIENT = 100
_ID_TOKEN_KEY = secrets.token_bytes(32)


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str, code: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.code = code


def invalid_grant(description: str = "Token has been expired or revoked.") -> OAuthError:
    """The answer for every dead code and refresh token."""
    return OAuthError("invalid_grant", description)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to on the consent page."""

    account: str
    client_id: str
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str | None
    offline: bool
    prompt: bool
    expires: float
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token's meaning. `client_id` is None for tokens made by the admin routes: any client may use them."""

    account: str
    client_id: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Access:
    """An access token's meaning."""

    account: str
    scopes: frozenset[str]
    expires: float


class Grants:
    """All live codes and tokens."""

    def __init__(self) -> None:
        self.lifetime_s = 3599
        self.clients: dict[str, str] = {}
        """Known clients and their secrets; empty accepts every client."""
        self.codes: dict[str, Consent] = {}
        self.refresh_tokens: dict[str, Refresh] = {}
        self.access_tokens: dict[str, Access] = {}
        self._agreed: dict[tuple[str, str], frozenset[str]] = {}

    def clear(self) -> None:
        """Forget every token and client."""
        self.__init__()  # type: ignore[misc]

    def code(self, consent: Consent) -> str:
        """A code for the redirect."""
        code = f"4/{secrets.token_urlsafe(32)}"
        self.codes[code] = consent
        self._agreed[consent.account, consent.client_id] = (
            self.granted(consent.account, consent.client_id) | consent.scopes
        )
        return code

    def granted(self, account: str, client_id: str) -> frozenset[str]:
        """What the person agreed to for this client, and has not taken back."""
        return self._agreed.get((account, client_id), frozenset())

    def check_client(self, client_id: str, secret: str) -> None:
        """Refuse a client that is unknown or does not know its secret."""
        if not client_id or not secret:
            raise OAuthError("invalid_request", "client_id and client_secret are required.")
        if self.clients and not hmac.compare_digest(
            self.clients.get(client_id, "").encode(), secret.encode()
        ):
            raise OAuthError("invalid_client", "The OAuth client was not found or its secret is wrong.", 401)

    def exchange(self, code: str, client_id: str, redirect_uri: str, verifier: str | None) -> Json:
        """Grant type authorization_code."""
        consent = self.codes.pop(code, None)  # a code works once, right or wrong
        if consent is None or consent.expires <= time.monotonic() or consent.client_id != client_id:
            raise invalid_grant("Malformed auth code.")
        if consent.redirect_uri != redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        if consent.challenge is not None:
            if verifier is None:
                raise invalid_grant("Missing code verifier.")
            if not hmac.compare_digest(s256(verifier).encode(), consent.challenge.encode()):
                raise invalid_grant("Invalid code verifier.")
        elif verifier is not None:
            raise invalid_grant("code_verifier or verifier is not needed.")
        first = not any(
            r.account == consent.account and r.client_id == client_id for r in self.refresh_tokens.values()
        )
        answer = self._answer(consent.account, consent.scopes)
        if "openid" in consent.scopes:
            answer["id_token"] = id_token(consent)
        if consent.offline and (first or consent.prompt):
            answer["refresh_token"] = self.issue_refresh(consent.account, consent.scopes, client_id)
        return answer

    def refresh(self, token: str, client_id: str) -> Json:
        """Grant type refresh_token; refresh tokens do not rotate."""
        grant = self.refresh_tokens.get(token)
        if grant is None:
            raise invalid_grant()
        if grant.client_id not in (None, client_id):
            raise OAuthError("unauthorized_client", "Unauthorized", 401)
        return self._answer(grant.account, grant.scopes)

    def revoke(self, token: str) -> str:
        """Revoke by either kind of token: everything the account granted goes. Gives the account."""
        grant = self.refresh_tokens.get(token) or self.access_tokens.get(token)
        if grant is None:
            raise OAuthError("invalid_token", "Token expired or revoked")
        self.invalidate(grant.account)
        return grant.account

    def issue_refresh(self, account: str, scopes: frozenset[str], client_id: str | None) -> str:
        """A new refresh token; beyond the cap the oldest one dies silently."""
        same = [t for t, g in self.refresh_tokens.items() if (g.account, g.client_id) == (account, client_id)]
        if len(same) >= REFRESH_TOKENS_PER_CLIENT:
            del self.refresh_tokens[same[0]]
        token = f"1//{secrets.token_urlsafe(48)}"
        self.refresh_tokens[token] = Refresh(account, client_id, scopes)
        return token

    def issue_access(self, account: str, scopes: frozenset[str]) -> str:
        """A new access token."""
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self.access_tokens[token] = Access(account, scopes, time.monotonic() + self.lifetime_s)
        return token

    def access(self, token: str) -> Access | None:
        """The meaning of a live access token."""
        found = self.access_tokens.get(token)
        return found if found is not None and found.expires > time.monotonic() else None

    def invalidate(self, account: str, *, access_tokens: bool = True) -> None:
        """The person took the consent back, or changed the password: refreshing is invalid_grant from now on."""
        self.refresh_tokens = {t: g for t, g in self.refresh_tokens.items() if g.account != account}
        self._agreed = {who: scopes for who, scopes in self._agreed.items() if who[0] != account}
        if access_tokens:
            self.expire(account)

    def expire(self, account: str) -> None:
        """Access tokens of the account die; refreshing still works."""
        self.access_tokens = {t: g for t, g in self.access_tokens.items() if g.account != account}

    def _answer(self, account: str, scopes: frozenset[str]) -> Json:
        return {
            "access_token": self.issue_access(account, scopes),
            "expires_in": self.lifetime_s,
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
        }


def id_token(consent: Consent) -> str:
    """Who consented (https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload).

    Google signs with RS256; a client that got it straight from the token endpoint has no need to look.
    """
    now = int(time.time())
    claims: Json = {
        "iss": "https://accounts.google.com",
        "aud": consent.client_id,
        "azp": consent.client_id,
        "sub": str(int.from_bytes(hashlib.sha256(consent.account.encode()).digest()[:8])),
        "iat": now,
        "exp": now + 3600,
    }
    if EMAIL in consent.scopes:
        claims |= {"email": consent.account, "email_verified": True}
    if consent.nonce is not None:
        claims["nonce"] = consent.nonce
    return jwt.encode(claims, _ID_TOKEN_KEY, algorithm="HS256")


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
