"""Tickets say why their priority is reviewed, what the matrix says of it, and in which time zone they are kept."""

from alembic import op
from sqlalchemy import Column, String

revision = "0026"
down_revision = "0024"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("tickets", Column("review_reason", String(), comment="why a review of its priority is requested"))
    matrix = Column("matrix_priority", String(), comment="what the plan's matrix says of its impact and urgency")
    op.add_column("tickets", matrix)
    zone = Column("region_lock_time_zone", String(), comment="the zone by whose daytime the region was chosen")
    op.add_column("tickets", zone)
    op.execute("UPDATE tickets SET matrix_priority = assessed_priority WHERE assessed_priority IS NOT NULL")


def downgrade() -> None:
    op.drop_column("tickets", "region_lock_time_zone")
    op.drop_column("tickets", "matrix_priority")
    op.drop_column("tickets", "review_reason")
