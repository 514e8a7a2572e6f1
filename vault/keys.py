"""Encryption of tokens, and of what the portal knows of a person. In: Fernet keys, newest first. Out: sealed bytes and back. No database here."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from vault.errors import VaultKeysInvalid

_MAKE_ONE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class Keys:
    """The keys of this deployment. Without any, nothing can be sealed or opened."""

    __slots__ = ("_fernet", "_newest")

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [
            _fernet(key, f"key {number} of {len(keys)}")
            for number, key in enumerate((key.strip() for key in keys), start=1)
            if key
        ]
        self._fernet = MultiFernet(fernets) if fernets else None
        self._newest = MultiFernet(fernets[:1]) if fernets else None

    def __repr__(self) -> str:
        return f"Keys({'present' if self._fernet else 'none'})"

    def required(self) -> MultiFernet:
        """The keys, or the error that says there are none."""
        if self._fernet is None:
            raise VaultKeysInvalid(
                f"SHIFTCAL_VAULT_KEYS is empty, and tokens are never stored or read without: make a key with {_MAKE_ONE}"
            )
        return self._fernet

    def seal(self, token: SecretStr) -> bytes:
        """Encrypt with the newest key."""
        # `surrogatepass`: the error that a broken character would raise holds the whole token.
        return self.required().encrypt(token.get_secret_value().encode(errors="surrogatepass"))

    def unseal(self, sealed: bytes) -> SecretStr | None:
        """Decrypt with whichever key fits; None where none does."""
        try:
            return SecretStr(self.required().decrypt(sealed).decode(errors="surrogatepass"))
        except InvalidToken:
            return None

    def seal_bytes(self, plain: bytes) -> bytes:
        """As `seal`, for what is no text."""
        return self.required().encrypt(plain)

    def unseal_bytes(self, sealed: bytes) -> bytes | None:
        """As `unseal`, for what is no text."""
        try:
            return self.required().decrypt(sealed)
        except InvalidToken:
            return None

    def is_newest(self, sealed: bytes) -> bool:
        """Whether the newest key sealed it."""
        if self._newest is None:
            return False
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def reseal(self, sealed: bytes) -> bytes | None:
        """Encrypt anew with the newest key; None where no key fits."""
        try:
            return self.required().rotate(sealed)
        except InvalidToken:
            return None


def _fernet(key: str, which: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        # `from None`: the chained error's frames hold the key.
        raise VaultKeysInvalid(
            f"SHIFTCAL_VAULT_KEYS: {which} is not a Fernet key (44 characters of URL-safe base64): make one with {_MAKE_ONE}"
        ) from None
