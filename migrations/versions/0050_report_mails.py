"""Monthly reports are sent by e-mail to whomever accounts name."""

from alembic import op
from sqlalchemy import Column, Date, Integer, String
from sqlalchemy.dialects.postgresql import JSONB

revision = "0050"
down_revision = "0041"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_mails",
        Column("account_id", String(collation="C"), primary_key=True),
        Column("recipients", JSONB(), nullable=False, comment="name, email and locale; none: it is not sent"),
        Column("sent", Date(), nullable=False, comment="the first day of the last month that was seen to"),
        Column("version", Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("report_mails")
