"""Who is connected: users, their Google calendars, their encrypted tokens, and the commands that announce changes.

In: consents and disconnects. Out: live connections with their tokens, tokens to revoke, commands to send. No Kafka
and no Google here.
"""

from vault.errors import (
    StillConnected,
    TokenUnreadable,
    VaultError,
    VaultKeysInvalid,
    VaultUnavailable,
)
from vault.inspection import Inspection, inspect
from vault.store import Vault
from vault.values import (
    Announcement,
    Connection,
    ConnectionInfo,
    Erased,
    Left,
    NewConnection,
    Rotated,
    State,
    Stored,
    TokenToRevoke,
)

__all__ = [
    "Announcement",
    "Connection",
    "ConnectionInfo",
    "Erased",
    "Inspection",
    "Left",
    "NewConnection",
    "Rotated",
    "State",
    "StillConnected",
    "Stored",
    "TokenToRevoke",
    "TokenUnreadable",
    "Vault",
    "VaultError",
    "VaultKeysInvalid",
    "VaultUnavailable",
    "inspect",
]
