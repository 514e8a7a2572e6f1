"""A Kafka with passwords and TLS: commands and a worker get in, and what is wrong is one line without the password."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests import kafka_java
from tests.e2e.google import Google
from tests.e2e.messages import LONG, envelope, shift
from tests.e2e.world import Agency, World
from tests.kafka_secured import USER, Authority, SecuredKafka

Settings = dict[str, object]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    if not kafka_java.available():
        pytest.skip("a secured broker needs Java and Maven")
    kafka = SecuredKafka(tmp_path_factory.mktemp("secured"))
    yield kafka
    kafka.close()


def _settings(kafka: SecuredKafka, listener: str, mechanism: str = "PLAIN") -> Settings:
    """What opens a listener."""
    found: Settings = {"kafka_bootstrap": kafka.addresses[listener]}
    if listener in {"SASLED", "SECURE"}:
        found |= {
            "kafka_security_protocol": "SASL_PLAINTEXT" if listener == "SASLED" else "SASL_SSL",
            "kafka_sasl_mechanism": mechanism,
            "kafka_sasl_username": USER,
            "kafka_sasl_password": kafka.password,
        }
    if listener in {"SECURE", "MUTUAL"}:
        found["kafka_ssl_cafile"] = kafka.authority.file
    if listener == "MUTUAL":
        found |= {
            "kafka_security_protocol": "SSL",
            "kafka_ssl_certfile": kafka.certificate,
            "kafka_ssl_keyfile": kafka.key,
        }
    return found


WAYS = [
    pytest.param("SASLED", "PLAIN", marks=pytest.mark.long),
    ("SASLED", "SCRAM-SHA-256"),
    ("SECURE", "SCRAM-SHA-256"),
    ("MUTUAL", ""),
]


@pytest.mark.parametrize(("listener", "mechanism"), WAYS)
def test_everything_through_a_secured_listener(
    secured: SecuredKafka, google: Google, tmp_path: Path, listener: str, mechanism: str
) -> None:
    """Topics are created, messages produced, and a worker brings them to Google; no password is in its log."""
    settings = _settings(secured, listener, mechanism)
    world = World(secured.bootstrap, f"s{uuid4().hex[:8]}-", google, tmp_path, **settings)
    try:
        world.must("topics", "create")
        agency = Agency(world, f"{listener}-{mechanism}".lower(), "u1")
        [u1] = agency.users
        world.connect(u1)
        file = tmp_path / "messages.jsonl"
        published = envelope(agency.id, calendar_id="ops", version=1, published_through=str(LONG))
        changed = envelope(agency.id, calendar_id="ops", changes=[shift("s1")])
        lines = [("calendar-published", published), ("schedule-changed", changed)]
        file.write_text("".join(json.dumps({"topic": t, "value": v}) + "\n" for t, v in lines))
        world.must("produce", str(file))
        worker = world.start(log_level="DEBUG").wait_ready()
        u1.shows("s1")
        u1.is_told("in_sync")
        assert worker.stop() == 0, worker.tail()
        assert secured.password not in worker.log.read_text()
    finally:
        world.close()


@pytest.fixture(scope="module")
def world(secured: SecuredKafka, google: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployment whose topics are there."""
    world = World(secured.bootstrap, "wrong-", google, tmp_path_factory.mktemp("wrong"))
    world.must("topics", "create")
    yield world
    world.close()


def _wrong(kafka: SecuredKafka, home: Path) -> dict[str, tuple[Settings, tuple[str, ...]]]:
    """What is wrong, and the words that the line must have."""
    stranger = Authority(home, "stranger")
    login = ("SHIFTCAL_KAFKA_SASL_USERNAME", "SHIFTCAL_KAFKA_SASL_PASSWORD")
    return {
        "password, PLAIN": (
            _settings(kafka, "SASLED") | {"kafka_sasl_password": "geheim-geheim"},
            login,
        ),
        "password, SCRAM": (
            _settings(kafka, "SASLED", "SCRAM-SHA-256") | {"kafka_sasl_password": "geheim-geheim"},
            login,
        ),
        "password, over TLS": (
            _settings(kafka, "SECURE", "SCRAM-SHA-256") | {"kafka_sasl_password": "geheim-geheim"},
            login,
        ),
        "a mechanism that the broker does not offer": (
            _settings(kafka, "SASLED", "SCRAM-SHA-512"),
            ("SHIFTCAL_KAFKA_SASL_MECHANISM",),
        ),
        "the broker's authority": (
            _settings(kafka, "SECURE") | {"kafka_ssl_cafile": stranger.file},
            ("SHIFTCAL_KAFKA_SSL_CAFILE",),
        ),
        "no client certificate": (
            {k: v for k, v in _settings(kafka, "MUTUAL").items() if "file" not in k or "ca" in k},
            ("SHIFTCAL_KAFKA_SSL_CERTFILE",),
        ),
        "no login": (
            {"kafka_bootstrap": kafka.addresses["SASLED"]},
            ("SHIFTCAL_KAFKA_SECURITY_PROTOCOL",),
        ),
        "no TLS": (
            {"kafka_bootstrap": kafka.addresses["SECURE"]},
            ("SHIFTCAL_KAFKA_SECURITY_PROTOCOL",),
        ),
        "TLS where there is none": (
            _settings(kafka, "MUTUAL") | {"kafka_bootstrap": kafka.bootstrap},
            ("SHIFTCAL_KAFKA_SECURITY_PROTOCOL",),
        ),
    }


NAMES = [
    "password, PLAIN",
    "password, SCRAM",
    "password, over TLS",
    "a mechanism that the broker does not offer",
    "the broker's authority",
    "no client certificate",
    "no login",
    "no TLS",
    "TLS where there is none",
]


@pytest.mark.parametrize("wrong", NAMES)
def test_what_does_not_get_in(world: World, secured: SecuredKafka, tmp_path: Path, wrong: str) -> None:
    """A command and a worker end with status 1 and one line that names the setting, and never the password."""
    settings, words = _wrong(secured, tmp_path)[wrong]
    for verb in (("topics", "check"), ("worker",)):
        done = world.shiftcal(*verb, **settings)
        assert done.status == 1, done
        for word in words:
            assert word in done.complaint
        assert "geheim" not in done.err + done.out
        assert secured.password not in done.err + done.out
