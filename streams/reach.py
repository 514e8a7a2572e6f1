"""Where Kafka is, and what our topics are called there.

In: settings. Out: a `Broker` and `Names`. Not here: connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.names import Names, ShadowNames
from streams.security import Broker

if TYPE_CHECKING:
    from streams.settings import Settings


def names_of(settings: Settings) -> Names:
    """The real names of all topics."""
    return Names(settings.topic_prefix, settings.app_id)


def shadow_names_of(settings: Settings) -> ShadowNames:
    """The real names of all topics of a shadow beside the group of these settings."""
    app = settings.shadow_app_id or f"{settings.app_id}-shadow"
    return ShadowNames(settings.topic_prefix, app, settings.app_id)


def broker_of(settings: Settings) -> Broker:
    """How the settings say that Kafka is reached."""
    password = settings.kafka_sasl_password
    return Broker(
        bootstrap=settings.kafka_bootstrap,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_username=settings.kafka_sasl_username,
        sasl_password=password.get_secret_value() if password else None,
        ssl_cafile=_text(settings.kafka_ssl_cafile),
        ssl_certfile=_text(settings.kafka_ssl_certfile),
        ssl_keyfile=_text(settings.kafka_ssl_keyfile),
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)
