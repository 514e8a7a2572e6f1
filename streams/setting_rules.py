"""What a setting may look like, where a type alone cannot say it.

In: the text of one setting. Out: the same, tidied, or a `ValueError` that says what was expected and never repeats
the text, which may be a secret. Not here: names and defaults of settings.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

# Kafka allows 249 characters in a topic's name; a prefix, an app id and the longest suffix must fit together.
# https://github.com/apache/kafka/blob/4.1.0/clients/src/main/java/org/apache/kafka/common/internals/Topic.java
_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]{0,100}")
_BROKER: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]):(\d{1,5})")
_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]+")
_ORIGIN: Final = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_LAST_PORT: Final = 65_535
_SECRET_LEAST: Final = 32
_DRIVERS: Final = ("sqlite+aiosqlite", "postgresql+asyncpg")


def upper(value: object) -> object:
    """Let words be written in any case."""
    return value.strip().upper() if isinstance(value, str) else value


def lower(value: object) -> object:
    """Let words be written in any case."""
    return value.strip().lower() if isinstance(value, str) else value


def bootstrap(value: str) -> str:
    """Brokers as `host:port`, comma-separated."""
    brokers = [each.strip() for each in value.split(",")]
    for broker in brokers:
        found = _BROKER.fullmatch(broker)
        if found is None or not 0 < int(found[1]) <= _LAST_PORT:
            msg = "expected host:port, or several of them separated by commas"
            raise ValueError(msg)
    return ",".join(brokers)


def topic_prefix(value: str) -> str:
    """Characters that Kafka allows in a topic's name; none is fine."""
    if _LEGAL.fullmatch(value) is None:
        msg = "expected at most 100 letters, digits, dots, underscores and hyphens"
        raise ValueError(msg)
    return value


def app_id(value: str) -> str:
    """As a topic prefix, but not empty."""
    if not value:
        msg = "expected at least one character"
        raise ValueError(msg)
    return topic_prefix(value)


def instance_id(value: str | None) -> str | None:
    """Characters that Kafka allows in the name of a static member, as in a topic's (`JoinGroupRequest` of Kafka 2.3 on)."""
    return None if value is None else app_id(value)


def host(value: str) -> str:
    """An address or a host name, without a port."""
    if _HOST.fullmatch(value) is None:
        msg = "expected an IP address or a host name"
        raise ValueError(msg)
    return value


def http_url(value: str) -> str:
    """An absolute http or https URL, given back without a slash at its end."""
    msg = "expected a URL that begins with http:// or https:// and a host"
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(msg) from None
    if (
        not usable
        or parts.username is not None
        or parts.query
        or parts.fragment
        or re.search(r"\s", value.strip())
    ):
        raise ValueError(msg)
    return value.strip().rstrip("/")


def origins(value: object) -> object:
    """Origins out of a comma-separated text."""
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        msg = "expected origins, separated by commas"
        raise ValueError(msg)  # noqa: TRY004  as below
    found = tuple(str(each).strip() for each in texts if str(each).strip())
    # It goes into a policy of headers, where a word more would mean something.
    if any(_ORIGIN.fullmatch(each) is None for each in found):
        msg = "expected origins such as https://app.example.com, separated by commas"
        raise ValueError(msg)
    return found


def several(value: object) -> object:
    """Texts out of a comma-separated one."""
    if isinstance(value, str):
        return tuple(each.strip() for each in value.split(",") if each.strip())
    return value


def long_secret(value: SecretStr | None) -> SecretStr | None:
    """A secret that nobody guesses: as long as the hash that it goes into (RFC 2104, 3)."""
    if value is not None and len(value.get_secret_value()) < _SECRET_LEAST:
        msg = f"expected a secret of at least {_SECRET_LEAST} characters"
        raise ValueError(msg)
    return value


def database_url(value: SecretStr) -> SecretStr:
    """An SQLAlchemy URL of one of the two drivers that are installed."""
    msg = f"expected a URL that begins with {' or '.join(f'{driver}://' for driver in _DRIVERS)}"
    try:
        url = make_url(value.get_secret_value())
    except (ArgumentError, ValueError):
        raise ValueError(msg) from None
    if url.drivername not in _DRIVERS:
        raise ValueError(msg)
    return value


def fernet_keys(value: object) -> object:
    """Fernet keys out of a comma-separated text, newest first."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        msg = "expected Fernet keys, separated by commas"
        raise ValueError(msg)  # noqa: TRY004  a TypeError would pass through pydantic as a crash
    keys = [each.get_secret_value() if isinstance(each, SecretStr) else str(each) for each in texts]
    keys = [key.strip() for key in keys if key.strip()]
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            msg = f"key {number} of {len(keys)} is not a Fernet key: expected 32 bytes in URL-safe base64"
            raise ValueError(msg) from None
    return tuple(SecretStr(key) for key in keys)
