"""What a client asks a person for, and where each answer sends the browser. No HTTP.

In: the query of the consent page, the person's account and choice. Out: the redirect back with a code or an error, or
an `OAuthError` where there is nowhere to go back to. Facts played here:
- a redirect goes to loopback addresses or https only
  (https://developers.google.com/identity/protocols/oauth2/web-server#uri-validation);
- people tick scope by scope, but for those of the sign-in
  (https://developers.google.com/identity/protocols/oauth2/resources/granular-permissions);
- who has agreed to everything before is not asked again, unless the client wants it with prompt=consent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

from sandbox.google.core import Choice
from sandbox.google.grants import CODE_LIFETIME_S, Consent, OAuthError
from sandbox.google.scopes import IDENTITY, spelled

if TYPE_CHECKING:
    from sandbox.google.core import Core

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for consent that makes sense."""

    client_id: str
    scopes: frozenset[str]
    redirect_uri: str
    state: str | None
    challenge: str | None
    offline: bool
    prompt: frozenset[str]
    login_hint: str
    nonce: str | None

    @classmethod
    def read(cls, query: Mapping[str, str], clients: Mapping[str, str]) -> Self:
        """The request of this query; a refusal where Google would not even show its page."""
        redirect_uri = _redirect_uri(query.get("redirect_uri", ""))
        client_id, scopes = query.get("client_id", ""), spelled(query.get("scope", ""))
        if clients and client_id not in clients:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if not client_id or not scopes or query.get("response_type") != "code":
            raise OAuthError("invalid_request", "client_id, scope and response_type=code are required.")
        challenge = query.get("code_challenge")
        if challenge is not None and query.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "The stand-in knows only code_challenge_method S256.")
        return cls(
            client_id=client_id,
            scopes=scopes,
            redirect_uri=redirect_uri,
            state=query.get("state"),
            challenge=challenge,
            offline=query.get("access_type") == "offline",
            prompt=frozenset(query.get("prompt", "").split()),
            login_hint=query.get("login_hint", ""),
            nonce=query.get("nonce"),
        )

    @property
    def boxes(self) -> list[str]:
        """The scopes that the person ticks one by one: none where a single one is all that is asked for."""
        mine = sorted(self.scopes - IDENTITY)
        return mine if len(self.scopes) > 1 else []

    def back(self, **parameters: str) -> str:
        """The address of the client, with its state and these parameters."""
        given = parameters if self.state is None else {"state": self.state, **parameters}
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{urlencode(given)}"


class Consents:
    """The person's answers, and the codes that they give."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._made = 0

    def at_once(self, asked: Asked) -> tuple[str | None, str]:
        """The answer without a page, as `Core.choices` or the hint say: the account, and the redirect."""
        choice = self._core.choices.pop(0) if self._core.choices else Choice()
        if choice.deny:
            return None, self.decline(asked)
        account = self._core.state.add_account(choice.account or asked.login_hint or self._new_address())
        ticked = choice.scopes if choice.scopes is not None else account.granted_scopes
        granted = asked.scopes if ticked is None else asked.scopes & (ticked | IDENTITY)
        return account.email, self.agree(asked, account.email, granted)

    def decline(self, asked: Asked) -> str:
        """The redirect of somebody who said no."""
        return asked.back(error="access_denied")

    def agree(self, asked: Asked, account: str, granted: frozenset[str]) -> str:
        """The redirect of somebody who granted these scopes; none at all is a no."""
        if not granted:
            return self.decline(asked)
        consent = Consent(
            account=account,
            client_id=asked.client_id,
            scopes=granted,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
            offline=asked.offline,
            prompt="consent" in asked.prompt,
            expires=time.monotonic() + CODE_LIFETIME_S,
            nonce=asked.nonce,
        )
        return asked.back(code=self._core.grants.code(consent), scope=" ".join(sorted(granted)))

    def agreed_before(self, asked: Asked, account: str) -> bool:
        """Whether this account need not be asked: everything was granted, and nothing was taken back."""
        return "consent" not in asked.prompt and asked.scopes <= self._core.grants.granted(
            account, asked.client_id
        )

    def _new_address(self) -> str:
        self._made += 1
        return f"person-{self._made}@standin.example"


def _redirect_uri(text: str) -> str:
    parts = urlsplit(text)
    loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (loopback or parts.scheme == "https") or parts.fragment:
        raise OAuthError(
            "redirect_uri_mismatch", "redirect_uri must be https, or http on a loopback address."
        )
    return text
