"""The portal: sessions, used links, what is projected from topics, audit log, notices, preferences."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    _entry()
    _projection()
    _log_and_notices()
    op.create_table(
        "preferences",
        *_person(),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def _person() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("agency_id", sa.String(), primary_key=True),
        sa.Column("user_id", sa.String(), primary_key=True),
    )


def _entry() -> None:
    op.create_table(
        "portal_sessions",
        sa.Column("id_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_portal_sessions_person", "portal_sessions", ["agency_id", "user_id"])
    op.create_index("ix_portal_sessions_expires_at", "portal_sessions", ["expires_at"])
    op.create_table(
        "portal_links",
        sa.Column("jti_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_portal_links_expires_at", "portal_links", ["expires_at"])


def _from_a_record() -> tuple[sa.Column[Any], ...]:
    return (
        *_person(),
        sa.Column("source_topic", sa.String(), nullable=False),
        sa.Column("source_partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=False),
    )


def _projection() -> None:
    op.create_table(
        "projection_positions",
        sa.Column("topic", sa.String(), primary_key=True),
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "projected_statuses",
        *_from_a_record(),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("oldest_pending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.JSON(none_as_null=True), nullable=True),
    )
    op.create_index("ix_projected_statuses_state", "projected_statuses", ["state", "agency_id", "user_id"])
    op.create_index("ix_projected_statuses_oldest_pending_at", "projected_statuses", ["oldest_pending_at"])
    op.create_table(
        "projected_views", *_from_a_record(), sa.Column("sealed", sa.LargeBinary(), nullable=False)
    )
    op.create_table(
        "projected_results",
        *_from_a_record(),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "latency_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("bucket", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )


def _log_and_notices() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_person", "audit", ["agency_id", "user_id"])
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "notices",
        *_person(),
        sa.Column("episode", sa.String(), nullable=False, unique=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
    )
    op.create_index("ix_notices_next_at", "notices", ["next_at"])


def downgrade() -> None:
    """Go back. The audit log and the preferences are lost, and everybody has to enter the portal anew."""
    for table in (
        "preferences",
        "notices",
        "audit",
        "latency_minutes",
        "projected_results",
        "projected_views",
        "projected_statuses",
        "projection_positions",
        "portal_links",
        "portal_sessions",
    ):
        op.drop_table(table)
