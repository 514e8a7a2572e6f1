"""Settings: what is read, what is refused, and that a refusal gives nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from streams.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHIFTCAL_SECRETS_DIR", raising=False)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHIFTCAL_{name.upper()}", raising=False)


def test_nothing_set() -> None:
    """The defaults work on one machine and point at the real Google."""
    settings = load_settings()
    assert (settings.kafka_bootstrap, settings.topic_prefix, settings.partitions) == (
        "127.0.0.1:9092",
        "",
        12,
    )
    assert settings.database_url.get_secret_value() == "sqlite+aiosqlite:///shiftcal.db"
    assert settings.google_api_url == "https://www.googleapis.com"
    assert settings.vault_keys == ()
    assert settings.http_port == 0


def test_every_setting_says_what_it_is() -> None:
    """Each setting carries a sentence for the operator."""
    silent = [
        name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")
    ]
    assert silent == []


def test_a_dotenv_file_below_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.env` is read, and the environment wins over it."""
    (tmp_path / ".env").write_text("SHIFTCAL_APP_ID=from-file\nSHIFTCAL_PARTITIONS=3\nOTHER=1\n")
    monkeypatch.setenv("SHIFTCAL_PARTITIONS", "6")
    settings = load_settings()
    assert (settings.app_id, settings.partitions) == ("from-file", 6)


def test_secrets_as_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Docker and Kubernetes mount them; the environment wins over them, too."""
    key = Fernet.generate_key().decode()
    (tmp_path / "shiftcal_vault_keys").write_text(f"{key}\n")
    (tmp_path / "shiftcal_app_id").write_text("from-file")
    monkeypatch.setenv("SHIFTCAL_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("SHIFTCAL_APP_ID", "from-environment")
    settings = load_settings()
    assert [one.get_secret_value() for one in settings.vault_keys] == [key]
    assert settings.app_id == "from-environment"


def test_secrets_that_are_not_mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line, before something works without them."""
    monkeypatch.setenv("SHIFTCAL_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="SHIFTCAL_SECRETS_DIR: no directory is there"):
        load_settings()


def test_an_empty_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty is absent, as compose files write it."""
    monkeypatch.setenv("SHIFTCAL_PARTITIONS", "")
    monkeypatch.setenv("SHIFTCAL_VAULT_KEYS", "")
    settings = load_settings()
    assert (settings.partitions, settings.vault_keys) == (12, ())


def test_a_name_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs may use the prefix too."""
    monkeypatch.setenv("SHIFTCAL_TEST_KAFKA", "127.0.0.1:1")
    load_settings()


def test_several_vault_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys keep their order, newest first, and do not show."""
    newest, older = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("SHIFTCAL_VAULT_KEYS", f"{newest}, {older}")
    settings = load_settings()
    assert [key.get_secret_value() for key in settings.vault_keys] == [newest, older]
    assert newest not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BOOTSTRAP", "localhost"),
        ("KAFKA_BOOTSTRAP", "localhost:9092,"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("KAFKA_SASL_MECHANISM", "GSSAPI"),
        ("KAFKA_SSL_CAFILE", "absent.pem"),
        ("TOPIC_PREFIX", "metro/"),
        ("APP_ID", "shift cal"),
        ("PARTITIONS", "0"),
        ("PARTITIONS", "twelve"),
        ("REPLICATION", "-1"),
        ("STORE", "disk"),
        ("DATABASE_URL", "mysql://root:hunter2@db/shiftcal"),
        ("DATABASE_URL", "hunter2"),
        ("VAULT_KEYS", "hunter2"),
        ("GOOGLE_API_URL", "ftp://hunter2.example"),
        ("GOOGLE_TOKEN_URL", "http://user:hunter2@host.example"),
        ("GOOGLE_USER_PER_MINUTE", "0"),
        ("RESYNC_COOLDOWN_S", "-1"),
        ("SESSION_TIMEOUT_S", "nan"),
        ("POLICIES", "absent.toml"),
        ("HTTP_PORT", "65536"),
        ("PORTAL_PORT", "-1"),
        ("PORTAL_PUBLIC_URL", "shifts.example"),
        ("HTTP_HOST", "http://127.0.0.1"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """One line names the variable, and the value stays unsaid."""
    monkeypatch.setenv(f"SHIFTCAL_{name}", value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    line = str(refusal.value)
    assert line.startswith(f"SHIFTCAL_{name}: ")
    assert "\n" not in line
    assert "hunter2" not in line
    assert refusal.value.__cause__ is None


def test_sasl_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol that needs a password says so before any broker is asked."""
    monkeypatch.setenv("SHIFTCAL_KAFKA_SECURITY_PROTOCOL", "sasl_ssl")
    monkeypatch.setenv("SHIFTCAL_KAFKA_SASL_USERNAME", "shiftcal")
    with pytest.raises(SettingsError, match="SHIFTCAL_KAFKA_SASL_PASSWORD: is needed"):
        load_settings()


def test_a_key_without_its_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Half of a client certificate is a mistake."""
    (tmp_path / "key.pem").touch()
    monkeypatch.setenv("SHIFTCAL_KAFKA_SSL_KEYFILE", "key.pem")
    with pytest.raises(SettingsError, match=r"SHIFTCAL_KAFKA_SSL_KEYFILE: .*KAFKA_SSL_CERTFILE"):
        load_settings()


def test_a_url_with_a_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are appended to roots, so a root ends without a slash."""
    monkeypatch.setenv("SHIFTCAL_GOOGLE_API_URL", "http://127.0.0.1:8085/")
    assert load_settings().google_api_url == "http://127.0.0.1:8085"


def test_two_wrong_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are named, still on one line."""
    monkeypatch.setenv("SHIFTCAL_PARTITIONS", "0")
    monkeypatch.setenv("SHIFTCAL_HTTP_PORT", "x")
    with pytest.raises(SettingsError, match=r"^SHIFTCAL_PARTITIONS: .*; SHIFTCAL_HTTP_PORT: .*$"):
        load_settings()


def test_a_dotenv_file_that_is_not_text(tmp_path: Path) -> None:
    """A file in another encoding is told from a wrong value."""
    (tmp_path / ".env").write_bytes(b"SHIFTCAL_APP_ID=\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings()


def test_settings_do_not_change() -> None:
    """A setting is decided once."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().partitions = 3  # type: ignore[misc]
