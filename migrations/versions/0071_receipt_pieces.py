"""Where the pieces of a large payload are until its receipt is stored, within one transaction."""

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, String

revision = "0071"
down_revision = "0068"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.create_table(
        "receipt_pieces",
        Column("account_id", ID, primary_key=True),
        Column("receipt_id", ID, primary_key=True),
        Column("number", Integer(), primary_key=True),
        Column("bytes", LargeBinary(), nullable=False),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("receipt_pieces")
