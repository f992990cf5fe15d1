"""Events carry a stub of their ticket."""

from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"
branch_labels = depends_on = None


def upgrade() -> None:
    # Without a default no row is rewritten: those that are there have none.
    op.add_column("events", Column("ticket", JSONB(), comment="a stub of the ticket right after the event"))


def downgrade() -> None:
    op.drop_column("events", "ticket")
