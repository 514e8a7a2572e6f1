"""Why Kafka's client could not get in: it tells its log, and whoever called it hears only that nobody answers.

In: log records of aiokafka's client. Out: the line that names the setting to look at. Not here: anything of it printed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.settings import Settings

_NOBODY: Final = (ConnectionRefusedError, socket.gaierror, TimeoutError, asyncio.TimeoutError)


class Overheard(logging.Handler):
    """Keeps the last error that the client logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.cause: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take the exception out of a record; its text goes nowhere."""
        for argument in record.args if isinstance(record.args, tuple) else ():
            if isinstance(argument, BaseException):
                self.cause = argument


@contextmanager
def listening() -> Iterator[Overheard]:
    """Hear what Kafka's client logs, and keep it off everybody's log."""
    log = logging.getLogger("aiokafka")
    level, propagate, overheard = log.level, log.propagate, Overheard()
    log.addHandler(overheard)
    log.setLevel(logging.WARNING)
    log.propagate = False
    try:
        yield overheard
    finally:
        log.removeHandler(overheard)
        log.setLevel(level)
        log.propagate = propagate


def line(settings: Settings, cause: BaseException | None) -> str | None:
    """Say which setting keeps us out; None where nothing more is known than that nobody answers."""
    where, protocol = settings.kafka_bootstrap, settings.kafka_security_protocol
    match cause:
        case kafka.UnsupportedSaslMechanismError():
            return (
                f"SHIFTCAL_KAFKA_SASL_MECHANISM: Kafka at {where} does not offer {settings.kafka_sasl_mechanism}:"
                " take one that it offers"
            )
        case kafka.AuthenticationFailedError() | kafka.SaslAuthenticationFailed():
            return (
                f"SHIFTCAL_KAFKA_SASL_USERNAME, SHIFTCAL_KAFKA_SASL_PASSWORD: Kafka at {where} does not accept this login:"
                " check both, and that SHIFTCAL_KAFKA_SASL_MECHANISM is the one that this user was made for"
            )
        case ssl.SSLCertVerificationError():
            return (
                f"SHIFTCAL_KAFKA_SSL_CAFILE: the certificate of Kafka at {where} is not trusted ({cause.verify_message}):"
                " take the file of the authority that signed it, and an address that stands in it"
            )
        case ssl.SSLError():
            return (
                f"SHIFTCAL_KAFKA_SECURITY_PROTOCOL is {protocol}, and TLS does not come about with Kafka at {where}"
                f" ({cause.reason or 'no reason given'}): check that this listener speaks TLS"
                f"{_certificate(settings)}"
            )
        case None:
            return None
        case _ if isinstance(cause, _NOBODY):
            return None
        case OSError() | kafka.KafkaConnectionError():
            return (
                f"SHIFTCAL_KAFKA_SECURITY_PROTOCOL is {protocol}, and Kafka at {where} ends the connection at once: check"
                f" that this is the protocol of that listener{_certificate(settings)}"
            )
        case _:
            return None


def _certificate(settings: Settings) -> str:
    if settings.kafka_security_protocol.endswith("SSL") and settings.kafka_ssl_certfile is None:
        return ", and whether it wants a certificate of ours (SHIFTCAL_KAFKA_SSL_CERTFILE)"
    return ""
