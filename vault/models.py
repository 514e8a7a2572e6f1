"""The tables. In: nothing. Out: rows. No queries and no rules here, but the ones the database itself can hold.

Three tables: a connection per user, kept after its end because its times decide what later news is old; the tokens
that Google has still to be told to forget; the commands that have still to be sent.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Instants: stored as UTC, returned aware. SQLite keeps no zone, so it is put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: whose noon would it be?"""
        del dialect
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """The text without what a database refuses."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


class Text(TypeDecorator[str]):
    """Texts as both databases take them, stored or asked for: PostgreSQL refuses NUL, no encoding takes half a character,
    and a page whose address somebody made up is no reason to fail.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Put something in the place of what cannot be."""
        del dialect
        return None if value is None else storable(value)


class Base(DeclarativeBase):
    """All tables of the vault."""


class ConnectionRow(Base):
    """A user's newest connection. `token` is there exactly while it is live."""

    __tablename__ = "connections"
    __table_args__ = (
        # Two live connections to one calendar would write the same events twice.
        Index(
            "one_user_per_calendar",
            "agency_id",
            "calendar_key",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    agency_id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    google_account: Mapped[str] = mapped_column(Text)
    account_key: Mapped[str] = mapped_column(Text, index=True)
    google_calendar_id: Mapped[str] = mapped_column(Text)
    calendar_key: Mapped[str] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(Text)
    connected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    live: Mapped[bool]
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_reason: Mapped[str | None] = mapped_column(Text)


class RevocationRow(Base):
    """A token that is out of use here and still valid at Google."""

    __tablename__ = "revocations"

    # Random, not counted: a late `revoked` must never hit somebody else's token.
    token_id: Mapped[str] = mapped_column(Text, primary_key=True)
    agency_id: Mapped[str] = mapped_column(Text)
    user_id: Mapped[str] = mapped_column(Text)
    google_account: Mapped[str] = mapped_column(Text)
    account_key: Mapped[str] = mapped_column(Text, index=True)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class OutboxRow(Base):
    """A command that belongs to a change above and has still to be sent."""

    __tablename__ = "outbox"
    # AUTOINCREMENT: SQLite would reuse the highest id once its row is gone, and the second of two senders would
    # then cross out a command that nobody has sent. https://www.sqlite.org/autoinc.html
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    key: Mapped[str] = mapped_column(Text)
    value: Mapped[dict[str, object]] = mapped_column(JSON)
