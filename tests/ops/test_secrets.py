"""`secrets create`: made once, kept after that, and readable for nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from streams.settings import Settings, load_settings
from tests.ops.conftest import Shell

STANDIN = ("--standin", "http://standin:8090/", "--standin-page", "http://127.0.0.1:8090")
GOOGLE = {"google_client_id": "client", "google_client_secret": "canary"}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A directory for secrets."""
    path = tmp_path / "secrets"
    path.mkdir()
    return path


def read(box: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a process that is started with this directory."""
    monkeypatch.setenv("SHIFTCAL_SECRETS_DIR", str(box))
    return load_settings()


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.iterdir())}


def test_a_first_start(shiftcal: Shell, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker finds everything: keys, the database with its password, and the stand-in at both of its addresses."""
    password = box.parent / "password"
    ended = shiftcal(
        "secrets", "create", str(box), "--postgres", "db:5432", "--password-file", str(password), *STANDIN
    )
    assert ended.status == 0, ended.err
    settings = read(box, monkeypatch)
    Fernet(settings.vault_keys[0].get_secret_value())
    assert settings.portal_host_key
    assert len(settings.portal_host_key.get_secret_value()) >= 32
    url = make_url(settings.database_url.get_secret_value())
    assert (url.host, url.port, url.database, url.password) == ("db", 5432, "shiftcal", password.read_text())
    assert settings.google_api_url == "http://standin:8090"
    assert settings.google_token_url == "http://standin:8090/token"
    assert settings.google_auth_url == "http://127.0.0.1:8090/o/oauth2/v2/auth"
    assert {path.stat().st_mode & 0o777 for path in box.iterdir()} == {0o600}
    assert password.stat().st_mode & 0o777 == 0o444
    for secret in (*contents(box).values(), password.read_text()):
        assert secret.startswith(("http", "stand-in")) or secret not in ended.out + ended.err


def test_a_second_start(shiftcal: Shell, box: Path) -> None:
    """Nothing changes: a new vault key would make every token unreadable."""
    again = [
        (
            shiftcal("secrets", "create", str(box), *STANDIN).status,
            contents(box),
        )
        for _ in range(2)
    ]
    assert again[0] == again[1]
    assert again[0][0] == 0


def test_a_key_of_ones_own(shiftcal: Shell, box: Path) -> None:
    """What somebody put there stays."""
    (box / "shiftcal_vault_keys").write_text("mine")
    assert shiftcal("secrets", "create", str(box)).status == 0
    assert contents(box).keys() == {"shiftcal_vault_keys", "shiftcal_portal_host_key"}
    assert (box / "shiftcal_vault_keys").read_text() == "mine"


def test_google_after_the_stand_in(shiftcal: Shell, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a client of Google's, calls go there, with that secret; without, to the stand-in again."""
    assert shiftcal("secrets", "create", str(box), *STANDIN).status == 0
    ended = shiftcal("secrets", "create", str(box), *STANDIN, **GOOGLE)
    assert ended.status == 0
    assert "canary" not in ended.out + ended.err
    settings = read(box, monkeypatch)
    assert settings.google_api_url == Settings.model_fields["google_api_url"].default
    assert settings.google_client_secret
    assert (settings.google_client_id, settings.google_client_secret.get_secret_value()) == (
        "client",
        "canary",
    )
    monkeypatch.delenv("SHIFTCAL_SECRETS_DIR")
    assert shiftcal("secrets", "create", str(box), *STANDIN).status == 0
    settings = read(box, monkeypatch)
    assert (settings.google_client_id, settings.google_api_url) == ("stand-in", "http://standin:8090")


def test_half_of_a_client(shiftcal: Shell, box: Path) -> None:
    """A client without its secret is a mistake, not a wish for the stand-in."""
    ended = shiftcal("secrets", "create", str(box), *STANDIN, google_client_id="client")
    assert (ended.status, "set both" in ended.complaint) == (1, True)


def test_no_directory(shiftcal: Shell, tmp_path: Path) -> None:
    """It is not made: nobody would know who may read it."""
    ended = shiftcal("secrets", "create", str(tmp_path / "none"))
    assert (ended.status, "make it first" in ended.complaint) == (1, True)


def test_a_password_without_a_server(shiftcal: Shell, box: Path) -> None:
    """Both or none."""
    assert shiftcal("secrets", "create", str(box), "--postgres", "db:5432").status == 2
