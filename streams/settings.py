"""What the operator decides, as one frozen value.

In: the environment (prefix `SHIFTCAL_`) and a `.env` file. Out: `Settings`, or a `SettingsError` of one line that
names the variable and never its value. Not here: agencies' policies, and anything that acts on a setting.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.errors import OperatorError
from streams import setting_rules as rules

PREFIX = "SHIFTCAL_"
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"

Port = Annotated[int, Field(ge=0, le=65_535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Host = Annotated[str, AfterValidator(rules.host)]
HttpUrl = Annotated[str, AfterValidator(rules.http_url)]
HttpUrls = Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(rules.several)]
FernetKeys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(rules.fernet_keys)]
Upper = BeforeValidator(rules.upper)
Lower = BeforeValidator(rules.lower)


class SettingsError(OperatorError):
    """A setting is wrong; the text is one line for the operator."""


class Settings(BaseSettings):
    """Every setting; a field `x` is read from `SHIFTCAL_X`, and an empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    kafka_bootstrap: Annotated[str, AfterValidator(rules.bootstrap)] = Field(
        "127.0.0.1:9092", description="Kafka brokers to ask first: host:port, comma-separated."
    )
    kafka_security_protocol: Annotated[Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Upper] = (
        Field("PLAINTEXT", description="How brokers are spoken to.")
    )
    kafka_sasl_mechanism: Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Upper] = Field(
        "PLAIN", description="How the SASL protocols log in."
    )
    kafka_sasl_username: str | None = Field(None, description="User of the SASL protocols.")
    kafka_sasl_password: SecretStr | None = Field(None, description="Password of the SASL protocols.")
    kafka_ssl_cafile: FilePath | None = Field(
        None,
        description="PEM file of the authorities that brokers' certificates are checked against; none: the system's.",
    )
    kafka_ssl_certfile: FilePath | None = Field(None, description="PEM file of the client's own certificate.")
    kafka_ssl_keyfile: FilePath | None = Field(None, description="PEM file of the client certificate's key.")

    topic_prefix: Annotated[str, AfterValidator(rules.topic_prefix)] = Field(
        "", description="Stands before every topic's name, and before the consumer group's."
    )
    partitions: Count = Field(12, description="Partitions of the internal topics and the tables' changelogs.")
    replication: Count = Field(1, description="Copies of every topic that `topics create` makes.")
    app_id: Annotated[str, AfterValidator(rules.app_id)] = Field(
        "shiftcal",
        description="Names the consumer group and the internal topics; a new one rebuilds all state.",
    )
    shadow_app_id: Annotated[str, AfterValidator(rules.app_id)] | None = Field(
        None,
        description="Names a shadow's consumer group and its topics; none: APP_ID with -shadow behind it.",
    )
    session_timeout_s: Seconds = Field(
        10, description="Seconds of silence after which Kafka gives a worker's partitions to another one."
    )

    fetch_wait_ms: Count = Field(
        100, description="Milliseconds for which a broker may hold back a fetch that finds nothing."
    )

    state_dir: Path = Field(
        Path(".state"), description="Directory of one worker's tables; never shared by two."
    )
    instance_id: Annotated[str | None, AfterValidator(rules.instance_id)] = Field(
        None,
        description="Name of one worker in its group, such as a pod's; no two that run may share it, whatever their"
        " directories; none: a random word kept in STATE_DIR.",
    )
    store: Annotated[Literal["rocksdb", "memory"], Lower] = Field(
        "rocksdb", description="Where tables stand; memory is for tests."
    )
    database_url: Annotated[SecretStr, AfterValidator(rules.database_url)] = Field(
        SecretStr("sqlite+aiosqlite:///shiftcal.db"),
        description="SQLAlchemy URL of the connections' database.",
    )
    vault_keys: FernetKeys = Field(
        (),
        description="Fernet keys that encrypt tokens: comma-separated, newest first; without one none is stored.",
    )

    google_client_id: str | None = Field(None, description="OAuth client id of the Google Cloud project.")
    google_client_secret: SecretStr | None = Field(
        None, description="OAuth client secret of the Google Cloud project."
    )
    google_api_url: HttpUrl = Field(
        "https://www.googleapis.com", description="Root of Google's API; `/calendar/v3/...` is appended."
    )
    google_auth_url: HttpUrl = Field(
        "https://accounts.google.com/o/oauth2/v2/auth",
        description="Google's consent page, where users are sent.",
    )
    google_token_url: HttpUrl = Field(
        "https://oauth2.googleapis.com/token",
        description="Where codes and refresh tokens become access tokens.",
    )
    google_revoke_url: HttpUrl = Field(
        "https://oauth2.googleapis.com/revoke", description="Where a grant is given back."
    )
    google_project_per_minute: Count = Field(
        10_000, description="Google calls per minute of the whole deployment, over all workers."
    )
    google_user_per_minute: Count = Field(600, description="Google calls per minute of one Google account.")
    google_timeout_s: Seconds = Field(20, description="Seconds after which a call to Google is given up.")
    google_calls: Count = Field(128, description="Google calls of one worker under way at once.")
    lane_calls: Count = Field(4, description="Google calls of one user under way at once.")
    resync_cooldown_s: int = Field(
        60, ge=0, description="Seconds between two resyncs of one user; 0: no limit."
    )

    policies: FilePath | None = Field(None, description="TOML file of the agencies' policies.")

    http_host: Host = Field("127.0.0.1", description="Address of the worker's /live, /ready and /metrics.")
    http_port: Port = Field(0, description="Port of the worker's /live, /ready and /metrics; 0: off.")
    portal_host: Host = Field("127.0.0.1", description="Address the portal listens on.")
    portal_port: Port = Field(8080, description="Port the portal listens on; 0: any free one.")
    portal_public_url: HttpUrl | None = Field(
        None, description="The portal's address as users' browsers see it."
    )
    portal_host_key: SecretStr | None = Field(
        None,
        description="Key that verifies the links by which the host application sends its users: a secret of 32 characters"
        " or more (HS256), or an Ed25519 public key in PEM (EdDSA).",
    )
    portal_session_minutes: Count = Field(
        480,
        description="Minutes after which whoever came into the portal by a link has to come in by a new one.",
    )
    portal_entries_per_minute: Count = Field(60, description="Links that one address may try per minute.")
    portal_trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses of proxies whose X-Forwarded-For is believed, comma-separated; * believes everybody.",
    )
    portal_frame_ancestors: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(rules.origins)] = Field(
        (),
        description="Origins, comma-separated, whose pages may show the portal in a frame; none: nobody's.",
    )
    privacy_url: HttpUrl | None = Field(
        None, description="The agency's privacy policy, linked by the portal."
    )
    terms_url: HttpUrl | None = Field(
        None, description="The agency's terms of service, linked by the portal."
    )

    portal_workers: HttpUrls = Field(
        (),
        description="Addresses of the workers' HTTP ports, comma-separated, whose /metrics the operators' page sums up.",
    )
    notify_url: HttpUrl | None = Field(
        None,
        description="Where the host application is told of users who have to connect again; none: nobody is.",
    )
    notify_key: Annotated[SecretStr | None, AfterValidator(rules.long_secret)] = Field(
        None,
        description="Secret of 32 characters or more that signs what is sent to NOTIFY_URL (HMAC-SHA256).",
    )

    tracing: Annotated[Literal["off", "otlp"], Lower] = Field(
        "off", description="otlp: workers tell spans to the receiver that OTEL_EXPORTER_OTLP_ENDPOINT names."
    )
    log_format: Annotated[Literal["auto", "json", "console"], Lower] = Field(
        "auto", description="Shape of log lines; auto: console on a terminal, else json."
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Upper] = Field(
        "INFO", description="The least important log line that is written."
    )

    @field_validator("kafka_sasl_username", "kafka_sasl_password")
    @classmethod
    def _login_for_sasl(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        protocol = str(info.data.get("kafka_security_protocol", ""))
        if value is None and protocol.startswith("SASL_"):
            msg = f"is needed, because {PREFIX}KAFKA_SECURITY_PROTOCOL is {protocol}"
            raise ValueError(msg)
        return value

    @field_validator("shadow_app_id")
    @classmethod
    def _another_group(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value == info.data.get("app_id"):
            msg = f"is {PREFIX}APP_ID itself: a shadow is a group of its own"
            raise ValueError(msg)
        return value

    @field_validator("notify_key")
    @classmethod
    def _key_for_notices(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("notify_url") is not None:
            msg = f"is needed, because {PREFIX}NOTIFY_URL is set"
            raise ValueError(msg)
        return value

    @field_validator("kafka_ssl_keyfile")
    @classmethod
    def _certificate_for_key(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("kafka_ssl_certfile") is None:
            msg = f"is of no use without {PREFIX}KAFKA_SSL_CERTFILE"
            raise ValueError(msg)
        return value


def load_settings() -> Settings:
    """The settings of this process, or a `SettingsError` that an operator can act on.

    Where SHIFTCAL_SECRETS_DIR names a directory, a setting may also be a file in it, of its name in small letters: that is how
    Docker and Kubernetes hand secrets over (https://docs.docker.com/compose/how-tos/use-secrets/). The environment wins.
    """
    secrets = os.environ.get(SECRETS_DIR) or None
    if secrets is not None and not Path(secrets).is_dir():
        msg = f"{SECRETS_DIR}: no directory is there; name the one in which secrets are mounted, or leave it out"
        raise SettingsError(msg)
    try:
        return Settings(_secrets_dir=secrets)
    except ValidationError as error:
        raise SettingsError(_line(error)) from None
    except UnicodeDecodeError:
        msg = "the .env file is not UTF-8 text: save it as UTF-8"
        raise SettingsError(msg) from None


def _line(error: ValidationError) -> str:
    lines = []
    # Without inputs: a wrong value may be a secret in the wrong place.
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(each["loc"][0]) if each["loc"] else "settings"
        said = each["msg"].removeprefix("Value error, ").removeprefix("Input ")
        lines.append(f"{PREFIX}{name.upper()}: {said}")
    return "; ".join(lines)
