"""Events carry a stub of their ticket, and engineers have a name for customers."""

from alembic import op
from sqlalchemy import Column, String
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = depends_on = None


def upgrade() -> None:
    # Without a default no row is rewritten: those that are there have none.
    op.add_column("events", Column("ticket", JSONB(), comment="a stub of the ticket right after the event"))
    op.add_column("engineers", Column("display_name", String(), comment="what customers see; null: the name"))


def downgrade() -> None:
    op.drop_column("engineers", "display_name")
    op.drop_column("events", "ticket")
