"""What it takes to say stored texts in the language of their reader."""

from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0018"
branch_labels = depends_on = None

_ERROR = "how to say the error in other languages"


def upgrade() -> None:
    op.add_column("receipts", Column("messages", JSONB(), comment="how to say error and omissions in other languages"))
    op.add_column("pages", Column("error_message", JSONB(), comment=_ERROR))
    op.add_column("notices", Column("error_message", JSONB(), comment=_ERROR))


def downgrade() -> None:
    op.drop_column("notices", "error_message")
    op.drop_column("pages", "error_message")
    op.drop_column("receipts", "messages")
