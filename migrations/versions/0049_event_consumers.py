"""All that follows the events marks how far it has come in one table; what looked at new tickets follows them too."""

from datetime import datetime

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, Index, String

revision = "0049"
down_revision = "0039"
branch_labels = depends_on = None

ID = String(collation="C")


def _opened(comment: str | None = None) -> Column[datetime]:
    return Column("opened_at", DateTime(timezone=True), nullable=False, comment=comment)


def upgrade() -> None:
    op.create_table(
        "event_consumers",
        Column("name", ID, primary_key=True),
        Column("position", BigInteger(), nullable=False, comment="events up to here have been taken"),
    )
    op.execute("INSERT INTO event_consumers SELECT name, position FROM search_marks")
    # The others have looked at all but the newest tickets: they look again at those of the last hour or so.
    op.execute(
        "INSERT INTO event_consumers SELECT name, coalesce((SELECT max(position) FROM feed_marks), 0) FROM ("
        "SELECT name FROM detection_marks UNION ALL SELECT job FROM first_look_marks) AS marks (name)"
    )
    for table in ("search_marks", "detection_marks", "first_look_marks", "first_looks"):
        op.drop_table(table)


def downgrade() -> None:
    op.create_table(
        "first_looks",
        Column("account_id", ID, primary_key=True),
        Column("ticket_id", ID, primary_key=True),
        Column("job", ID, primary_key=True),
        _opened(),
        Index("ix_first_looks_job_opened_at", "job", "opened_at"),
    )
    op.create_table(
        "first_look_marks",
        Column("job", ID, primary_key=True),
        _opened("it has looked at all tickets that were opened before"),
    )
    op.create_table(
        "detection_marks",
        Column("name", ID, primary_key=True),
        _opened("tickets that were opened before it have been looked at"),
    )
    op.create_table(
        "search_marks", Column("name", ID, primary_key=True), Column("position", BigInteger(), nullable=False)
    )
    op.execute("INSERT INTO search_marks SELECT name, position FROM event_consumers WHERE name = 'texts'")
    op.execute("INSERT INTO detection_marks SELECT name, now() FROM event_consumers WHERE name = 'incidents'")
    op.execute("INSERT INTO first_look_marks SELECT name, now() FROM event_consumers WHERE name = 'known solutions'")
    op.drop_table("event_consumers")
