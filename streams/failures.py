"""What may go wrong outside our own code, as one line for whoever runs the command.

In: exceptions of Kafka's client, of sockets and of TLS. Out: `OperatorError`s. Not here: printing, and our own bugs,
which keep their traceback.
"""

from __future__ import annotations

import errno
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka

from schemas.errors import OperatorError
from streams.overheard import line as kept_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.overheard import Overheard
    from streams.settings import Settings

_UNREACHABLE: Final = (
    kafka.KafkaConnectionError,
    kafka.NoBrokersAvailable,
    kafka.NodeNotReadyError,
    kafka.KafkaUnavailableError,
    kafka.MetadataEmptyBrokerList,
)
_LATE: Final = (kafka.KafkaTimeoutError, kafka.RequestTimedOutError, kafka.BrokerNotAvailableError)
_REFUSED: Final = (
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.UnsupportedCodecError,
    kafka.IncompatibleBrokerVersion,
    kafka.UnrecognizedBrokerVersion,
)
_PORTS: Final = {errno.EADDRINUSE, errno.EADDRNOTAVAIL}


@contextmanager
def kafka_failures(settings: Settings, overheard: Overheard | None = None) -> Iterator[None]:
    """Name the setting and the address where Kafka is not reached, and what it said where it refused."""
    try:
        yield
    except ssl.SSLError as error:
        raise OperatorError(
            f"SHIFTCAL_KAFKA_SSL_*: TLS does not work with these files: {error.reason or error}"
        ) from error
    except TimeoutError as error:
        raise OperatorError(_late(settings.kafka_bootstrap)) from error
    except kafka.KafkaError as error:
        if isinstance(error, _UNREACHABLE) and overheard is not None:
            known = kept_out(settings, overheard.cause)
            if known is not None:
                raise OperatorError(known) from error
        if (line := kafka_line(error, settings.kafka_bootstrap)) is None:
            raise
        raise OperatorError(line) from error


def kafka_line(error: kafka.KafkaError, where: str) -> str | None:
    """Say what Kafka's client met; None where it was used wrongly, which is a bug of ours."""
    if isinstance(error, _UNREACHABLE):
        return (
            f"SHIFTCAL_KAFKA_BOOTSTRAP: no Kafka answers at {where}: check the address, and that Kafka runs"
        )
    if isinstance(error, _LATE):
        return _late(where)
    if isinstance(error, kafka.UnknownTopicOrPartitionError):
        return "a topic is missing: run `shiftcal topics create`"
    if isinstance(error, (*_REFUSED, kafka.BrokerResponseError)):
        return f"Kafka at {where} refused: {_said(error)}"
    return None


def port_line(error: OSError) -> str | None:
    """Say that an address cannot be listened on; None for any other error."""
    if error.errno not in _PORTS:
        return None
    return f"cannot listen: {error.strerror or error}: stop what uses that address, or choose another port"


def _late(where: str) -> str:
    return f"SHIFTCAL_KAFKA_BOOTSTRAP: Kafka at {where} does not answer in time: check that it is healthy, and try again"


def _said(error: kafka.KafkaError) -> str:
    """Kafka's own words, without the number that says the same."""
    words = " ".join(str(part) for part in error.args) or getattr(error, "description", "")
    name = getattr(error, "message", "") or type(error).__name__
    return " ".join(f"{name}: {words}".split()).rstrip(": ")
