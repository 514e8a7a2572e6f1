"""The portal's tables. In: nothing. Out: rows. No queries and no rules here, but the ones the database itself can hold.

Who is in the portal and which links were used; what was read from topics, and how far; what was done by operators; who has
to be told that a grant is lost; what users prefer. All but the audit log and the preferences can be had anew.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from vault.models import Base, Text, UtcDateTime

_COUNTED = BigInteger().with_variant(Integer, "sqlite")


class SessionRow(Base):
    """A session. Whoever reads this table cannot enter: the cookie is hashed, all that is said in the session is sealed."""

    __tablename__ = "portal_sessions"
    __table_args__ = (Index("ix_portal_sessions_person", "agency_id", "user_id"),)

    id_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    agency_id: Mapped[str] = mapped_column(Text)
    user_id: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class UsedLinkRow(Base):
    """A link that somebody came in by."""

    __tablename__ = "portal_links"

    jti_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PositionRow(Base):
    """Up to where a partition was read."""

    __tablename__ = "projection_positions"

    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next_offset: Mapped[int] = mapped_column(BigInteger)


class FromARecord(Base):
    """Columns of what was read about a user: whose it is, and where it was read."""

    __abstract__ = True

    agency_id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    source_topic: Mapped[str] = mapped_column(Text)
    source_partition: Mapped[int]
    source_offset: Mapped[int] = mapped_column(BigInteger)
    source_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StatusRow(FromARecord):
    """A user's newest status."""

    __tablename__ = "projected_statuses"
    __table_args__ = (Index("ix_projected_statuses_state", "state", "agency_id", "user_id"),)

    state: Mapped[str] = mapped_column(Text)
    pending: Mapped[int]
    oldest_pending_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    last_synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))


class ViewRow(FromARecord):
    """What a user's page shows of the schedule, sealed."""

    __tablename__ = "projected_views"

    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ResultRow(FromARecord):
    """A user's newest result."""

    __tablename__ = "projected_results"

    action: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    latency_ms: Mapped[int | None] = mapped_column(BigInteger)


class RepairRow(Base):
    """How many results of one kind a command of a user has caused: what a re-sync found and repaired. Of the command's id
    the digest stands here, since anybody may make it, of any length and of any characters.
    """

    __tablename__ = "repairs"
    __table_args__ = (Index("ix_repairs_at", "at"),)

    agency_id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    action: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LatencyRow(Base):
    """How many results of one minute fell into one bucket."""

    __tablename__ = "latency_minutes"

    minute: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class AuditRow(Base):
    """What an operator did."""

    __tablename__ = "audit"
    # AUTOINCREMENT: an id says which came first, also after the last row is gone.
    __table_args__ = (Index("ix_audit_person", "agency_id", "user_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(_COUNTED, primary_key=True, autoincrement=True)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    agency_id: Mapped[str] = mapped_column(Text)
    user_id: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class NoticeRow(Base):
    """A lost grant, from when it was noticed until it is settled: one episode."""

    __tablename__ = "notices"

    agency_id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    # Random: the host application keeps it to tell a repeated message from a new one.
    episode: Mapped[str] = mapped_column(Text, unique=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered: Mapped[int]
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int]
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    last_error: Mapped[str | None] = mapped_column(Text)


class PreferencesRow(Base):
    """What a user chose."""

    __tablename__ = "preferences"

    agency_id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[dict[str, object]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
