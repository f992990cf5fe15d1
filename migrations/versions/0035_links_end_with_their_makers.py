"""A link to a ticket names the key that made it, with which it ends."""

from alembic import op
from sqlalchemy import text

revision = "0035"
down_revision = "0031"
branch_labels = depends_on = None

_TICKET = "of a ticket key: what it opens (account_id, ticket_id), for whom, and which key made it"
_TICKET_BEFORE = "of a ticket key: what it opens (account_id, ticket_id), and for whom"


def upgrade() -> None:
    op.alter_column("api_keys", "ticket", comment=_TICKET)
    made = text("ticket ->> 'made_by' <> ''")
    op.create_index("ix_api_keys_made", "api_keys", [text("(ticket ->> 'made_by')")], postgresql_where=made)


def downgrade() -> None:
    op.drop_index("ix_api_keys_made", "api_keys")
    op.execute("UPDATE api_keys SET ticket = ticket - 'made_by' WHERE ticket ? 'made_by'")
    op.alter_column("api_keys", "ticket", comment=_TICKET_BEFORE)
