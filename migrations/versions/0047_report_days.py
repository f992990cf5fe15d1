"""The sums of reports by the day.

A replica that sums by the hour counts nothing more from then on, and so leaves no day unsummed.
"""

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, Integer, String

revision = "0047"
down_revision = "0043"
branch_labels = depends_on = None

ID = String(collation="C")
INSTANT = DateTime(timezone=True)
STORAGE = {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}}
SUMS = """
INSERT INTO {table}
SELECT date_trunc('{length}', started_at, 'UTC'), sandbox, metric,
       CASE cycle WHEN 0 THEN 'incident' WHEN 1 THEN 'first' ELSE 'later' END, priority, plan_key, plan_version,
       outcome, settled_at IS NULL, coalesce(outcome = 'cancelled' AND reason = 'resolved_by_sender', false),
       count(*), sum(misses)
FROM report_facts GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""


def upgrade() -> None:
    op.drop_table("report_hours")
    _create("report_days", Column("day", INSTANT, primary_key=True, comment="when it began, in UTC"))
    op.execute(SUMS.format(table="report_days", length="day"))


def _create(table: str, begin: "Column[DateTime]") -> None:
    op.create_table(
        table,
        begin,
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
    op.drop_table("report_days")
    _create("report_hours", Column("hour", INSTANT, primary_key=True, comment="in UTC"))
    op.execute(SUMS.format(table="report_hours", length="hour"))
