"""Keys that a start made are known as such; one spelling for each person's address."""

import unicodedata

from alembic import op
from sqlalchemy import Boolean, Column, text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROLE = ("of an account key: the most that it may do", "of an account key: what it may do when it names no person")
_NAMESPACE = ("an account, or a support key's id", "the principal's account, or '-'")
_EMAIL = ("lower case, composed (NFC)", "lower case")


def upgrade() -> None:
    op.add_column(
        "api_keys",
        Column(
            "bootstrap",
            Boolean(),
            server_default=text("false"),
            nullable=False,
            comment="an admin key that a start made or was given: revoked when another one is given",
        ),
    )
    # Keys made over the API may have the same label; their hints are longer.
    op.execute(
        "UPDATE api_keys SET bootstrap = true WHERE kind = 'admin' AND label = 'bootstrap' AND length(hint) <= 12"
    )
    # A sandbox's own engineers shared a namespace with its customer, whose are not the internal parts of an answer.
    op.execute("""
        DELETE FROM stored_answers
        WHERE account_id IN (SELECT account_id FROM accounts WHERE sandbox_now IS NOT NULL)
    """)
    _compose()
    _comment(0)


def downgrade() -> None:
    op.drop_column("api_keys", "bootstrap")
    _comment(1)


def _compose() -> None:
    """Compose addresses as the service does. One that another person of the account has already stays as it is."""
    rows = op.get_bind().execute(text("SELECT account_id, id, email FROM people WHERE email ~ '[^\\x01-\\x7f]'")).all()
    for account_id, person_id, email in rows:
        composed = unicodedata.normalize("NFC", email)
        if composed != email:
            change = text("""
                UPDATE people SET email = :email WHERE account_id = :account AND id = :person
                AND NOT EXISTS (SELECT FROM people WHERE account_id = :account AND email = :email)
            """)
            op.get_bind().execute(change, {"email": composed, "account": account_id, "person": person_id})


def _comment(which: int) -> None:
    op.alter_column("api_keys", "role", comment=_ROLE[which])
    op.alter_column("stored_answers", "account_id", comment=_NAMESPACE[which])
    op.alter_column("people", "email", comment=_EMAIL[which])
