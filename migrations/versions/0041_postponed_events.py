"""Events that a background pass could not process are tried again later."""

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, Integer, PrimaryKeyConstraint, String

revision = "0041"
down_revision = "0040"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "postponed_events",
        Column("consumer", ID, nullable=False, comment="the name of the pass"),
        Column("position", BigInteger, nullable=False, comment="of the event, in the feed"),
        Column("event_id", ID, nullable=False),
        Column("failures", Integer, nullable=False, comment="in a row"),
        Column("reason", String, nullable=False, comment="of the last one: failed or slow"),
        Column("error", String, nullable=False, comment="its kind"),
        Column("since", DateTime(timezone=True), nullable=False, comment="the first one"),
        Column("retry_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("consumer", "position"),
    )
    op.create_index(None, "postponed_events", ["consumer", "retry_at"])


def downgrade() -> None:
    op.drop_table("postponed_events")
