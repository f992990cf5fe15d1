"""How many bytes of payloads each hook keeps."""

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, PrimaryKeyConstraint, String

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID: Final = String(collation="C")
KEPT: Final = """
INSERT INTO hook_payloads (account_id, hook_id, bytes)
SELECT account_id, hook_id, sum(size + octet_length(headers::text) + 1000) FROM receipts GROUP BY account_id, hook_id
"""


def upgrade() -> None:
    op.create_table(
        "hook_payloads",
        Column("account_id", ID, nullable=False),
        Column("hook_id", ID, nullable=False),
        Column("bytes", BigInteger, nullable=False, comment="of the receipts that are kept, by payloads.SIZE"),
        Column("refused_at", DateTime(timezone=True), comment="when the last one was refused for want of room"),
        PrimaryKeyConstraint("account_id", "hook_id", name="pk_hook_payloads"),
    )
    op.execute(KEPT)


def downgrade() -> None:
    op.drop_table("hook_payloads")
