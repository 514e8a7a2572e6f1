"""What can go wrong with the vault. In: nothing. Out: one error class per thing a person has to do.

Every message is one line that names the setting to look at. None holds a token, a key or a database password.
"""

from __future__ import annotations

from schemas.errors import OperatorError


class VaultError(OperatorError):
    """Anything the vault refuses to do."""


class VaultUnavailable(VaultError):
    """The database cannot be used: wrong address, unreachable, locked or of another release."""


class VaultKeysInvalid(VaultError):
    """There is no usable encryption key."""


class StillConnected(VaultError):
    """A person who is to be forgotten, and is connected."""

    def __init__(self, agency_id: str, user_id: str) -> None:
        super().__init__(
            f"{agency_id}/{user_id} is still connected: end that first (`shiftcal disconnect {agency_id} {user_id}`, or a"
            " user-deactivated message), and try again once a worker has done it"
        )


class TokenUnreadable(VaultError):
    """A stored token that none of the keys decrypts."""

    def __init__(self, agency_id: str, user_id: str) -> None:
        super().__init__(
            f"the token of {agency_id}/{user_id} fits none of SHIFTCAL_VAULT_KEYS: add the key it was stored"
            " with at the end of the list, or let the user connect again"
        )
        self.agency_id = agency_id
        self.user_id = user_id
