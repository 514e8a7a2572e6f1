"""The links by which the host application sends its people in: signed, short-lived, used once.

Comes in: `PORTAL_HOST_KEY` and a token (JWT, RFC 7519). Goes out: a `Visitor`, or `LinkRefused` with a word for the page that
says what to do. Not here: whether a link was used before (the vault knows), sessions.

The key alone decides the algorithm: a public key in PEM means EdDSA (RFC 8037), any other text is the secret of HS256.
What the token itself says of it counts for nothing: https://datatracker.ietf.org/doc/html/rfc8725#section-2.1
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from schemas.base import Id
from schemas.errors import OperatorError

if TYPE_CHECKING:
    from streams.settings import Settings

#: A link is for now: whoever signs one for longer has not understood what it is.
LONGEST: Final = timedelta(minutes=15)
#: How far clocks of the host application and ours may differ.
LEEWAY: Final = timedelta(seconds=60)
#: A JWT of our claims has some 400 characters.
TOKEN_MOST: Final = 4_096
AUDIENCE: Final = "shiftcal"
_SECRET_LEAST: Final = 32  # RFC 7518, 3.2: a key as long as the hash
_CLAIMS: Final = ("agency", "user", "name", "exp", "iat", "jti")

Why = Literal["missing", "invalid", "expired"]
Role = Literal["user", "operator"]
Key = bytes | Ed25519PublicKey
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LinkRefused(Exception):
    """Nobody comes in by this link; `why` is a word for the page."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    agency: Id
    user: Id
    name: Text
    agency_name: Text | None = None
    jti: Text
    iat: float
    exp: float
    role: Role = "user"
    aud: str | list[str] | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who the host application says comes in. `link` names the link, so that it works once, until `expires_at`."""

    agency_id: str
    user_id: str
    name: str
    agency_name: str
    role: Role
    link: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that verifies links, and the one algorithm that goes with it."""

    algorithm: Literal["HS256", "EdDSA"]
    key: Key = field(repr=False)

    def read(self, token: str, now: datetime) -> Visitor:
        """Return who a token lets in; everything about it is checked but whether it was used."""
        if not token:
            raise LinkRefused("missing")
        claims = self._claims(token)
        issued, expires = (datetime.fromtimestamp(at, UTC) for at in (claims.iat, claims.exp))
        if now >= expires + LEEWAY:
            raise LinkRefused("expired")
        if issued > now + LEEWAY or expires - issued > LONGEST or expires <= issued:
            raise LinkRefused("invalid")
        return Visitor(
            agency_id=claims.agency,
            user_id=claims.user,
            name=_line(claims.name),
            agency_name=_line(claims.agency_name or claims.agency),
            role=claims.role,
            link=f"{claims.agency}/{claims.user}/{claims.jti}",
            expires_at=expires + LEEWAY,
        )

    def _claims(self, token: str) -> _Claims:
        if len(token) > TOKEN_MOST:
            raise LinkRefused("invalid")
        try:
            raw = jwt.decode(
                token,
                self.key,
                algorithms=[self.algorithm],
                leeway=LEEWAY,
                # Its times are checked by `read`, against our own clock; the audience below, since it may be absent.
                options={
                    "require": list(_CLAIMS),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_aud": False,
                },
            )
            claims = _Claims.model_validate(raw)
            # A time beyond what a calendar holds is no time.
            for at in (claims.iat, claims.exp):
                datetime.fromtimestamp(at, UTC)
        except (jwt.PyJWTError, ValidationError, ValueError, OverflowError, OSError):
            raise LinkRefused("invalid") from None  # the chained exception would hold the token
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if audience is not None and AUDIENCE not in audience:
            raise LinkRefused("invalid")
        return claims


def key_of(settings: Settings) -> HostKey:
    """Return the key that the settings name."""
    if settings.portal_host_key is None:
        raise OperatorError(_NO_KEY)
    return host_key(settings.portal_host_key.get_secret_value())


def host_key(text: str) -> HostKey:
    """Return the key of this text; an `OperatorError` names the setting and never the text."""
    text = text.replace("\\n", "\n").strip()
    if "-----BEGIN" not in text:
        secret = text.encode(errors="surrogatepass")
        if len(secret) < _SECRET_LEAST:
            raise OperatorError(_SHORT)
        return HostKey("HS256", secret)
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OperatorError(_PEM) from None
    if not isinstance(key, Ed25519PublicKey):
        raise OperatorError(_PEM)
    return HostKey("EdDSA", key)


def signing_key(text: str) -> tuple[Ed25519PrivateKey, HostKey]:
    """Return the Ed25519 private key in a PEM text, and the key that verifies what it signs."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OperatorError(_PRIVATE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise OperatorError(_PRIVATE)
    return key, HostKey("EdDSA", key.public_key())


def sign(claims: dict[str, Any], key: bytes | Ed25519PrivateKey, now: datetime, lifetime: timedelta) -> str:
    """Return a token with these claims, good for so long; each one is another link."""
    times = {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp()), "jti": uuid4().hex}
    algorithm = "HS256" if isinstance(key, bytes) else "EdDSA"
    return jwt.encode({"aud": AUDIENCE, **times, **claims}, key, algorithm=algorithm)


def _line(text: str) -> str:
    """Keep a name to one line of printable characters: marks that turn the direction of a line are none."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "?"


_NO_KEY = (
    "SHIFTCAL_PORTAL_HOST_KEY is not set: the portal lets people in by links that the host application signs with it;"
    ' make a secret with python -c "import secrets; print(secrets.token_urlsafe(32))"'
)
_SHORT = (
    "SHIFTCAL_PORTAL_HOST_KEY is too short: a secret that it shares with the host application has at least 32 characters;"
    ' make one with python -c "import secrets; print(secrets.token_urlsafe(32))"'
)
_PEM = (
    "SHIFTCAL_PORTAL_HOST_KEY is not an Ed25519 public key in PEM: give the host application's public key"
    " (openssl pkey -in private.pem -pubout), or a shared secret"
)
_PRIVATE = "the file holds no Ed25519 private key in PEM: make one with openssl genpkey -algorithm ed25519"
