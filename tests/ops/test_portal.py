"""The portal's verbs."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from portal.links import host_key
from portal.parts import utc_now
from tests.ops.conftest import Shell

SECRET = "a secret of nobody, but long enough"
PUBLIC = "https://cal.example.com"


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_link(shiftcal: Shell) -> None:
    """It lets that user in, and nobody else, for some minutes."""
    ended = shiftcal(
        "portal", "link", "metro-ems", "u-17", "--name", "Ann Lee", "--agency-name", "Metro EMS",
        portal_host_key=SECRET, portal_public_url=PUBLIC,
    )  # fmt: skip
    assert (ended.status, ended.err) == (0, "")
    url = urlsplit(ended.out.strip())
    assert (f"{url.scheme}://{url.netloc}", url.path) == (PUBLIC, "/enter")
    visitor = host_key(SECRET).read(parse_qs(url.query)["link"][0], utc_now())
    assert (visitor.agency_id, visitor.user_id, visitor.role) == ("metro-ems", "u-17", "user")
    assert (visitor.name, visitor.agency_name) == ("Ann Lee", "Metro EMS")


def test_a_link_for_an_operator(shiftcal: Shell, tmp_path: Path) -> None:
    """With a key pair the private key signs it."""
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "private.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    ended = shiftcal(
        "portal", "link", "metro-ems", "boss", "--role", "operator", "--minutes", "15", "--key", str(file),
        portal_host_key=pem(key).replace("\n", "\\n"), portal_port="8081",
    )  # fmt: skip
    assert ended.status == 0, ended
    assert ended.out.startswith("http://127.0.0.1:8081/enter?link=")
    visitor = host_key(pem(key)).read(ended.out.strip().partition("link=")[2], utc_now())
    assert (visitor.role, visitor.name) == ("operator", "boss")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "SHIFTCAL_PORTAL_HOST_KEY is not set"),
        ({"portal_host_key": "hunter2"}, "at least 32 characters"),
        ({"portal_host_key": "-----BEGIN NONSENSE-----"}, "is not an Ed25519 public key in PEM"),
        ({"portal_host_key": pem(Ed25519PrivateKey.generate())}, "give the private one that belongs to it"),
        ({"portal_host_key": SECRET, "portal_port": "0"}, "SHIFTCAL_PORTAL_PORT is 0"),
    ],
)
def test_a_link_that_cannot_be_made(shiftcal: Shell, settings: dict[str, str], said: str) -> None:
    """One line says what is wrong, and never the key."""
    ended = shiftcal("portal", "link", "metro-ems", "u-17", **settings)
    assert (ended.status, ended.out) == (1, "")
    assert said in ended.complaint
    assert settings.get("portal_host_key", "nothing") not in ended.complaint


@pytest.mark.parametrize("minutes", ["0", "16"])
def test_a_link_for_longer_than_minutes(shiftcal: Shell, minutes: str) -> None:
    """It would not let anybody in, so it is not made."""
    ended = shiftcal("portal", "link", "metro-ems", "u-17", "--minutes", minutes, portal_host_key=SECRET)
    assert ended.status == 2


def test_a_private_key_that_does_not_fit(shiftcal: Shell, tmp_path: Path) -> None:
    """It is said, before somebody stands in front of the door with such a link."""
    file = tmp_path / "private.pem"
    public = pem(Ed25519PrivateKey.generate())
    other = Ed25519PrivateKey.generate()
    for key, said in (
        (other, "does not belong to SHIFTCAL_PORTAL_HOST_KEY"),
        (generate_private_key(SECP256R1()), "no Ed25519 private key"),
    ):
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        ended = shiftcal("portal", "link", "metro-ems", "u-17", "--key", str(file), portal_host_key=public)
        assert ended.status == 1
        assert said in ended.complaint
    ended = shiftcal("portal", "link", "metro-ems", "u-17", "--key", "nowhere", portal_host_key=public)
    assert "nowhere: cannot be read" in ended.complaint
    ended = shiftcal("portal", "link", "metro-ems", "u-17", "--key", str(file), portal_host_key=SECRET)
    assert "is a shared secret" in ended.complaint


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "SHIFTCAL_PORTAL_HOST_KEY is not set"),
        ({"portal_host_key": SECRET}, "SHIFTCAL_VAULT_KEYS is not set"),
        (
            {"portal_frame_ancestors": "https://a.example; script-src *"},
            "SHIFTCAL_PORTAL_FRAME_ANCESTORS: expected origins",
        ),
        ({"portal_public_url": "cal.example.com"}, "SHIFTCAL_PORTAL_PUBLIC_URL: expected a URL"),
        ({"privacy_url": "javascript:alert(1)"}, "SHIFTCAL_PRIVACY_URL: expected a URL"),
    ],
)
def test_a_portal_that_cannot_start(process: Shell, settings: dict[str, str], said: str) -> None:
    """One line names the setting."""
    ended = process("portal", **settings)
    assert (ended.status, ended.out) == (1, "")
    assert said in ended.complaint


def test_a_port_that_is_taken(process: Shell, key: str) -> None:
    """It is said which."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = process(
            "portal", portal_host_key=SECRET, vault_keys=key, google_client_id="c", google_client_secret="s",
            portal_port=port,
        )  # fmt: skip
    assert ended.status == 1
    assert f"127.0.0.1 port {port}" in ended.complaint
    assert "SHIFTCAL_PORTAL_PORT" in ended.complaint
