"""How to reach the Kafka cluster: one value, and its mappings for the two clients that need it.

In: the settings' plain texts. Out: keyword arguments for aiokafka's producer, consumer and admin client, and Faust's credentials.
Not here: reading settings, opening connections.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import faust

if TYPE_CHECKING:
    from yarl import URL

SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True)
class Broker:
    """Address and credentials of a cluster; wrong combinations are refused when it is made."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = field(default=None, repr=False)
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError(
                "the Kafka bootstrap address is empty; give host:port, several separated by commas"
            )
        if self.security_protocol not in PROTOCOLS:
            raise ValueError(
                f"unknown Kafka security protocol {self.security_protocol!r}; use one of {', '.join(PROTOCOLS)}"
            )
        if not self._sasl:
            return
        if self.sasl_mechanism not in SASL_MECHANISMS:
            raise ValueError(f"{self.security_protocol} needs a SASL mechanism: {', '.join(SASL_MECHANISMS)}")
        if not self.sasl_username or not self.sasl_password:
            raise ValueError(f"{self.security_protocol} needs a SASL user name and a password")

    @property
    def servers(self) -> tuple[str, ...]:
        """The bootstrap addresses, one by one."""
        return tuple(part.strip() for part in self.bootstrap.split(",") if part.strip())

    @property
    def _sasl(self) -> bool:
        return self.security_protocol.startswith("SASL_")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Build the TLS context, or nothing where the protocol has no TLS."""
        if not self.security_protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ssl_cafile)
        if self.ssl_certfile:
            context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
        return context

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments that AIOKafkaProducer, AIOKafkaConsumer and AIOKafkaAdminClient share."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context(),
        }
        if self._sasl:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        return arguments

    def faust_urls(self) -> list[URL]:
        """The addresses in the form Faust's `broker` setting wants."""
        from yarl import URL  # noqa: PLC0415 - comes with faust; only its own setting needs it

        return [URL(f"kafka://{server}") for server in self.servers]

    def faust_credentials(self) -> faust.SASLCredentials | faust.SSLCredentials | None:
        """Credentials for Faust's consumer and for the producer of its changelogs."""
        context = self.ssl_context()
        if self._sasl:
            return faust.SASLCredentials(
                username=self.sasl_username,
                password=self.sasl_password,
                mechanism=self.sasl_mechanism,
                ssl_context=context,
            )
        # A context is always passed: Faust's own default has no purpose and raises TypeError.
        return faust.SSLCredentials(context=context) if context else None
