"""What it takes to say stored texts in the language of their reader; comments that name no files."""

from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0018"
branch_labels = depends_on = None

_ERROR = "how to say the error in other languages"
_COMMENTS = {
    ("events", "via"): (
        "installations through which what caused it has come (core/via.py)",
        "installations through which what caused it has come",
    ),
    ("hooks", "fields"): (
        "schemas.HookFields, without the signature's secret",
        "the hook's settings, without the signature's secret",
    ),
    ("hook_payloads", "bytes"): (
        "of the receipts that are kept, by payloads.SIZE",
        "of the receipts that are kept",
    ),
    ("deadlines", "detail"): (
        "spans, warnings, chain: what the fold needs (sla/clock.py)",
        "spans, warnings, chain: what the clock needs to go on",
    ),
    ("tickets", "clock"): (
        "the clock's facts that are not deadlines (sla/deadlines.py)",
        "the clock's facts that are not deadlines",
    ),
    ("webhook_endpoints", "subscribed"): (
        "what its subscriptions were made from (subscriptions.py)",
        "what its subscriptions were made from",
    ),
    ("webhook_endpoints", "direct"): (
        "deliveries are made as events are recorded; else by catch_up.py",
        "deliveries are made as events are recorded; else by a job",
    ),
    ("deliveries", "last_attempt"): (
        "as AttemptDocument has it",
        "when, what was sent, and what came back",
    ),
    ("tickets", "routing"): (
        "how its expert is looked for (dispatch.Route)",
        "how its expert is looked for",
    ),
    ("tickets", "turns"): (
        "how often the word has passed between customer and engineer",
        "how often customer and engineer have taken turns",
    ),
    ("tickets", "spoke"): (
        "whose word it is: customer or engineer",
        "who wrote last: customer or engineer",
    ),
    ("ticket_titles", "folded"): (
        "the title as searches compare it (wording.folded)",
        "the title as searches compare it",
    ),
}


def upgrade() -> None:
    op.add_column("receipts", Column("messages", JSONB(), comment="how to say error and omissions in other languages"))
    op.add_column("pages", Column("error_message", JSONB(), comment=_ERROR))
    op.add_column("notices", Column("error_message", JSONB(), comment=_ERROR))
    for (table, column), (_, comment) in _COMMENTS.items():
        _comment(table, column, comment)


def downgrade() -> None:
    for (table, column), (comment, _) in _COMMENTS.items():
        _comment(table, column, comment)
    op.drop_column("notices", "error_message")
    op.drop_column("pages", "error_message")
    op.drop_column("receipts", "messages")


def _comment(table: str, column: str, comment: str) -> None:
    text = comment.replace("'", "''")
    op.execute(f"COMMENT ON COLUMN {table}.{column} IS '{text}'")
