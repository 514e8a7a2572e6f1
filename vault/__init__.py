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
from vault.portal_values import (
    LATENCY_BOUNDS_MS,
    Applied,
    AuditEntry,
    Batch,
    LastResult,
    LatencyMinute,
    News,
    Notice,
    Partition,
    Person,
    PortalSession,
    ProjectedStatus,
    Role,
    Source,
    Span,
)
from vault.reading import Known, Reading
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
    "LATENCY_BOUNDS_MS",
    "Announcement",
    "Applied",
    "AuditEntry",
    "Batch",
    "Connection",
    "ConnectionInfo",
    "Erased",
    "Inspection",
    "Known",
    "LastResult",
    "LatencyMinute",
    "Left",
    "NewConnection",
    "News",
    "Notice",
    "Partition",
    "Person",
    "PortalSession",
    "ProjectedStatus",
    "Reading",
    "Role",
    "Rotated",
    "Source",
    "Span",
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
