"""What the vault takes and gives. In: nothing. Out: frozen values. No database, no encryption here.

Tokens are `SecretStr` throughout: their text appears only where somebody asks for it by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import SecretStr

State: TypeAlias = Literal["live", "revoking", "ended"]


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A user's consent, as the portal or an import brings it."""

    agency_id: str
    user_id: str
    google_account: str
    refresh_token: SecretStr
    scopes: tuple[str, ...]
    google_calendar_id: str = "primary"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store did. `applied` is false where something newer was there already; nothing changed then."""

    displaced: tuple[str, ...] = ()
    applied: bool = True


@dataclass(frozen=True, slots=True)
class Connection:
    """A live connection, ready to be used."""

    agency_id: str
    user_id: str
    google_account: str
    google_calendar_id: str
    scopes: tuple[str, ...]
    connected_at: datetime
    refresh_token: SecretStr


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What may be shown of a connection. `revoking`: ended, and its token still has to be revoked at Google."""

    agency_id: str
    user_id: str
    google_account: str
    google_calendar_id: str
    scopes: tuple[str, ...]
    connected_at: datetime
    state: State
    ended_at: datetime | None = None
    ended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class TokenToRevoke:
    """A token that Google still honours and should not. Hand `token_id` to `Vault.revoked` afterwards."""

    token_id: str
    agency_id: str
    user_id: str
    google_account: str
    refresh_token: SecretStr


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: tokens sealed anew, how many the newest key seals by now, and whose no key fits.

    `complete` is false where somebody goes on to seal with an older key.
    """

    resealed: int
    current: int
    unreadable: tuple[str, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows about one person are gone; `portal` counts those that only the portal needs."""

    connections: int
    revocations: int
    announcements: int
    portal: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """What still has to be done before a person can be forgotten.

    `unreadable` counts tokens that no key fits, `announcements` commands that nobody has sent yet; `newest` is the time
    of the last connect or end that is known.
    """

    tokens: tuple[TokenToRevoke, ...]
    unreadable: int
    announcements: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """A `sync-commands` message that waits to be sent; hand `id` to `Vault.announced` afterwards."""

    id: int
    key: str
    value: dict[str, object]
