"""A real Kafka that lets nobody in without a password, with and without TLS, and its authority, all made for one test run.

In: a directory. Out: a broker with a listener for each protocol, the files and the password that open it. Keys and
passwords are made here and now; none is ever in the repository.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from confluent_kafka import admin
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kafka_java import JavaKafka

USER: Final = "shiftcal"

Key = ec.EllipticCurvePrivateKey


class Authority:
    """Signs certificates; its own is what clients and brokers trust."""

    def __init__(self, home: Path, name: str) -> None:
        self._home, self._key = home, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ca = _certificate(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = home / f"{name}.pem"
        self.file.write_bytes(_pem(ca.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, address: str = "127.0.0.1") -> tuple[Path, Path]:
        """A certificate for this address and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _certificate(subject, self._name, key.public_key()).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        certificate, keyfile = self._home / f"{name}-cert.pem", self._home / f"{name}-key.pem"
        certificate.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))
        keyfile.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, keyfile


class SecuredKafka:
    """The broker, and what a client needs to get in."""

    def __init__(self, home: Path) -> None:
        self.password = secrets.token_urlsafe(18)
        self.authority = Authority(home, "authority")
        self.certificate, self.key = self.authority.issue("client")
        store = home / "broker.pem"
        certificate, key = self.authority.issue("broker")
        store.write_bytes(key.read_bytes() + certificate.read_bytes())
        self._java = JavaKafka(
            listeners={"SASLED": "SASL_PLAINTEXT", "SECURE": "SASL_SSL", "MUTUAL": "SSL"},
            properties=_login(self.password) | _tls(store, self.authority.file),
        )
        self.bootstrap = self._java.bootstrap
        self._add_scram_user()

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each listener is."""
        return self._java.addresses

    def close(self) -> None:
        """End the broker."""
        self._java.close()

    def _add_scram_user(self) -> None:
        words: Any = admin  # its stubs leave these names out
        client = words.AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        kind = words.ScramCredentialInfo(words.ScramMechanism.SCRAM_SHA_256, 4096)
        user = words.UserScramCredentialUpsertion(USER, kind, self.password.encode())
        for done in client.alter_user_scram_credentials([user]).values():
            done.result(20)


def _login(password: str) -> dict[str, str]:
    package = "org.apache.kafka.common.security"
    plain = f'{package}.plain.PlainLoginModule required user_{USER}="{password}";'
    scram = f"{package}.scram.ScramLoginModule required;"
    modules = {"plain": plain, "scram-sha-256": scram}
    return {"sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256"} | {
        f"listener.name.{listener}.{mechanism}.sasl.jaas.config": module
        for listener in ("sasled", "secure")
        for mechanism, module in modules.items()
    }


def _tls(store: Path, authority: Path) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority),
        "listener.name.mutual.ssl.client.auth": "required",
    }


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
