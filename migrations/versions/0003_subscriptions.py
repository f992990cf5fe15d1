"""What webhook endpoints subscribe to: event types instead of a regular expression."""

from typing import Final

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, String

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID: Final = String(collation="C")


def upgrade() -> None:
    """The rows are made by the next start of the service, which knows all types (``app/webhooks/subscriptions.py``)."""
    op.create_table(
        "webhook_subscriptions",
        Column("account_id", ID, nullable=False, comment="the endpoint's; '-' for an operator's"),
        Column("type", ID, nullable=False),
        Column("endpoint_id", ID, nullable=False),
        PrimaryKeyConstraint("account_id", "type", "endpoint_id", name=op.f("pk_webhook_subscriptions")),
    )
    op.add_column(
        "webhook_endpoints",
        Column("subscribed", String(), comment="what its subscriptions were made from (subscriptions.py)"),
    )
    op.alter_column(
        "webhook_endpoints",
        "type_pattern",
        nullable=True,
        comment="unused: a later migration drops it",
        existing_comment="the globs as one regular expression, for the fan-out's SQL",
    )


def downgrade() -> None:
    op.drop_table("webhook_subscriptions")
    op.drop_column("webhook_endpoints", "subscribed")
