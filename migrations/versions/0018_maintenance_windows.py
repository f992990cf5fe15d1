"""Maintenance windows, and the alerts that they hold back."""

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, Integer, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0016"
branch_labels = depends_on = None

_OVER = text("due_at IS NOT NULL")


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> Column[str]:
    return Column(name, String(collation="C"), nullable=nullable, comment=comment)


def _instant(name: str, *, nullable: bool = False, comment: str | None = None) -> Column:
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def upgrade() -> None:
    op.create_table(
        "maintenance_windows",
        _id("account_id"),
        _id("id"),
        _id("hook_id", nullable=True),
        Column("product", String()),
        Column("reason", String(), nullable=False),
        _instant("starts_at", comment="the account's instant, as ends_at"),
        _instant("ends_at"),
        Column("created_by", JSONB(), nullable=False),
        Column("sandbox", Boolean(), nullable=False),
        _instant(
            "due_at",
            nullable=True,
            comment="when it starts, then when it ends; null once all that it held back is open",
        ),
        _instant("started_at", nullable=True, comment="real time at which its start was told"),
        _instant("ended_at", nullable=True, comment="real time at which its end was told"),
        _instant("cancelled_at", nullable=True),
        Column("version", Integer(), server_default="1", nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_maintenance_windows")),
    )
    op.create_index(op.f("ix_maintenance_windows_id"), "maintenance_windows", ["id"])
    op.create_index(
        op.f("ix_maintenance_windows_account_id_starts_at_id"), "maintenance_windows", ["account_id", "starts_at", "id"]
    )
    op.create_index(op.f("ix_maintenance_windows_starts_at_id"), "maintenance_windows", ["starts_at", "id"])
    op.create_index("ix_maintenance_windows_due", "maintenance_windows", ["sandbox", "due_at"], postgresql_where=_OVER)
    op.create_index(
        "ix_maintenance_windows_open", "maintenance_windows", ["account_id", "ends_at"], postgresql_where=_OVER
    )
    op.create_table(
        "silenced_alerts",
        _id("account_id"),
        _id("hook_id"),
        _id("key"),
        Column("status", String(), nullable=False, comment="firing or resolved"),
        Column("starts_at", String(), comment="which time it fires, in the sender's words"),
        Column("digest", String(), nullable=False, comment="of what it says"),
        Column("repeats", Integer(), nullable=False),
        _instant("heard_at", comment="when the last receipt of it came, real time"),
        _instant("since", comment="the account's instant at which it was first held back"),
        Column("signal", JSONB(), nullable=False, comment="the alert as signal.Signal has it"),
        _id("receipt_id"),
        Column("via", String(), comment="the installations through which it has come"),
        PrimaryKeyConstraint("account_id", "hook_id", "key", name=op.f("pk_silenced_alerts")),
    )
    op.add_column(
        "receipts", _id("maintenance_window_id", nullable=True, comment="the window that held back any of its alerts")
    )
    op.alter_column(
        "receipts",
        "state",
        comment="pending, processed, ignored, silenced, failed or refused",
        existing_comment="pending, processed, ignored, failed or refused",
    )


def downgrade() -> None:
    op.alter_column(
        "receipts",
        "state",
        comment="pending, processed, ignored, failed or refused",
        existing_comment="pending, processed, ignored, silenced, failed or refused",
    )
    op.execute("UPDATE receipts SET state = 'processed' WHERE state = 'silenced'")
    op.drop_column("receipts", "maintenance_window_id")
    op.drop_table("silenced_alerts")
    op.drop_table("maintenance_windows")
