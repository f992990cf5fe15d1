"""The tags that each account uses, by which its quota of them counts."""

from alembic import op
from sqlalchemy import Column, DateTime, String

revision = "0065"
down_revision = "0064"
branch_labels = depends_on = None

ID = String(collation="C")
USED = """
INSERT INTO account_tags (account_id, tag, used_at)
SELECT account_id, tag, now() FROM (
    SELECT account_id, jsonb_array_elements_text(tags) AS tag FROM tickets WHERE status NOT IN ('resolved', 'closed')
    UNION SELECT account_id, jsonb_array_elements_text(fields -> 'tags') FROM hooks
) AS used
"""


def upgrade() -> None:
    op.create_table(
        "account_tags",
        Column("account_id", ID, primary_key=True),
        Column("tag", ID, primary_key=True),
        Column(
            "used_at",
            DateTime(timezone=True),
            nullable=False,
            comment="when it was last seen in use, to half a day",
        ),
    )
    op.create_index(None, "account_tags", ["used_at"])
    op.execute(USED)


def downgrade() -> None:
    op.drop_table("account_tags")
