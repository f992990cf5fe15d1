"""What reports count, which a background pass fills from the events that there are."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, String

revision = "0043"
down_revision = "0046"
branch_labels = depends_on = None

ID = String(collation="C")
INSTANT = DateTime(timezone=True)
STORAGE = {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}}


def upgrade() -> None:
    op.create_table(
        "report_facts",
        Column("account_id", ID, primary_key=True),
        Column("id", ID, primary_key=True, comment="the deadline's; for cycle 0 the ticket's"),
        Column("ticket_id", ID, nullable=False),
        Column("sandbox", Boolean(), nullable=False),
        Column("metric", ID, nullable=False),
        Column("cycle", Integer(), nullable=False),
        Column("priority", ID, nullable=False, comment="the one in force when the clock ran"),
        Column("plan_key", ID, nullable=False),
        Column("plan_version", Integer(), nullable=False),
        Column("product", ID),
        Column("channel", ID, nullable=False),
        Column("tier", Integer(), nullable=False),
        Column("engineer_id", ID, comment="the assignee when it was decided"),
        Column("outcome", ID, nullable=False, comment="open, met, met_late, missed, cancelled or excluded"),
        Column("reason", ID, comment="why it was cancelled"),
        Column("misses", Integer(), nullable=False, comment="how many cycles were missed: of one, 0 or 1"),
        Column("started_at", INSTANT, nullable=False),
        Column("due_at", INSTANT),
        Column(
            "settled_at",
            INSTANT,
            comment="when it was kept, also late, or nothing was owed any more; null: it is still owed",
        ),
        Column("noticed_us", BigInteger(), comment="microseconds until the miss was noticed"),
        **STORAGE,
    )
    _indexes("report_facts", "started_at")
    op.create_table(
        "report_moments",
        Column("account_id", ID, primary_key=True),
        Column("id", ID, primary_key=True, comment="the event's"),
        Column("ticket_id", ID, nullable=False),
        Column("sandbox", Boolean(), nullable=False),
        Column("kind", ID, nullable=False),
        Column("reason", ID, comment="of an escalation or a hand-over"),
        Column("outcome", ID, comment="of an escalation; of a resolution: first_contact"),
        Column("priority", ID, nullable=False),
        Column("plan_key", ID, nullable=False),
        Column("plan_version", Integer(), nullable=False),
        Column("product", ID),
        Column("channel", ID, nullable=False),
        Column("tier", Integer(), nullable=False),
        Column("engineer_id", ID),
        Column("at", INSTANT, nullable=False),
        **STORAGE,
    )
    _indexes("report_moments", "at")
    _hours()


def _indexes(table: str, at: str) -> None:
    op.create_index(None, table, ["account_id", "ticket_id"])
    op.create_index(None, table, ["account_id", at, "id"])
    op.create_index(None, table, ["sandbox", at, "id"])


def _hours() -> None:
    op.create_table(
        "report_hours",
        Column("hour", INSTANT, primary_key=True, comment="in UTC"),
        Column("sandbox", Boolean(), primary_key=True),
        Column("metric", ID, primary_key=True),
        Column("part", ID, primary_key=True, comment="incident, first or later: of the cycles"),
        Column("priority", ID, primary_key=True),
        Column("plan_key", ID, primary_key=True),
        Column("plan_version", Integer(), primary_key=True),
        Column("outcome", ID, primary_key=True),
        Column("owed", Boolean(), primary_key=True, comment="it is not settled"),
        Column("by_sender", Boolean(), primary_key=True, comment="cancelled because its sender resolved the ticket"),
        Column("number", Integer(), nullable=False),
        Column("misses", Integer(), nullable=False),
        **STORAGE,
    )


def downgrade() -> None:
    for table in ("report_hours", "report_moments", "report_facts"):
        op.drop_table(table)
