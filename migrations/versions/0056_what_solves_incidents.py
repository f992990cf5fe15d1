"""The detection remembers which articles may solve a ticket."""

from alembic import op
from sqlalchemy import Column, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0056"
down_revision = "0054"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    op.add_column(
        "recent_incidents",
        Column(
            "solutions",
            JSONB(),
            nullable=False,
            server_default=text("'{}'"),
            comment="the slugs of the articles that may solve it, and how good each is",
        ),
    )
    op.add_column(
        "recent_incidents",
        Column(
            "supposed",
            ID,
            nullable=False,
            server_default=text("''"),
            comment="the product that these are about, folded; empty: several, or none",
        ),
    )


def downgrade() -> None:
    for column in ("supposed", "solutions"):
        op.drop_column("recent_incidents", column)
