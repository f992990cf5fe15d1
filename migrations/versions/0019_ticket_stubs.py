"""Events carry a stub of their ticket, and engineers have a name for customers."""

from alembic import op
from sqlalchemy import Column, String
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"
branch_labels = depends_on = None

_VIA = "installations through which what caused it has come (core/via.py)"


def upgrade() -> None:
    # Without a default no row is rewritten: those that are there have none.
    op.add_column("events", Column("ticket", JSONB(), comment="a stub of the ticket right after the event"))
    op.alter_column("events", "via", comment=_VIA.replace("core/", "core/outgoing/"), existing_comment=_VIA)
    op.add_column("engineers", Column("display_name", String(), comment="what customers see; null: the name"))


def downgrade() -> None:
    op.drop_column("engineers", "display_name")
    op.alter_column("events", "via", comment=_VIA, existing_comment=_VIA.replace("core/", "core/outgoing/"))
    op.drop_column("events", "ticket")
