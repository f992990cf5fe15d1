"""What lists of tickets read: an index for each order and each selective filter, and titles for searches."""

from collections.abc import Iterator, Sequence
from typing import Final
from unicodedata import category, normalize

from alembic import op
from alembic.util import CommandError
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ACTIVE: Final = "status NOT IN ('resolved', 'closed')"
_NEW: Final = {
    "ix_tickets_support_due": "tickets (sandbox, support_due_at, id)",
    "ix_tickets_support_opened": "tickets (sandbox, opened_at, id)",
    "ix_tickets_support_updated": "tickets (sandbox, updated_at, id)",
    "ix_tickets_missed": "tickets (account_id, opened_at, id) WHERE missed",
    "ix_tickets_support_missed": "tickets (sandbox, opened_at, id) WHERE missed",
    "ix_tickets_active": f"tickets (account_id, opened_at, id) WHERE {_ACTIVE}",
    "ix_tickets_support_active": f"tickets (sandbox, opened_at, id) WHERE {_ACTIVE}",
    "ix_tickets_tier": "tickets (tier, account_id, opened_at, id) WHERE tier > 1",
    "ix_tickets_assigned": "tickets (assignee_id, opened_at, id) WHERE assignee_id IS NOT NULL",
    "ix_tickets_reference": "tickets (external_ref, account_id, opened_at, id) WHERE external_ref IS NOT NULL",
    "ix_api_keys_account_id_created_at_id": "api_keys (account_id, created_at, id)",
    "ix_engineers_account_id_created_at_id": "engineers (account_id, created_at, id)",
    "ix_engineers_created_at_id": "engineers (created_at, id)",
    "ix_hooks_account_id_created_at_id": "hooks (account_id, created_at, id)",
    "ix_people_account_id_created_at_id": "people (account_id, created_at, id)",
    "ix_regions_account_id_place_id": "regions (account_id, place, id)",
    "ix_webhook_endpoints_account_id_created_at_id": "webhook_endpoints (account_id, created_at, id)",
}
_OLD: Final = {
    "ix_tickets_all_due": "tickets (support_due_at, id) WHERE support_due_at IS NOT NULL",
    "ix_tickets_all_opened": "tickets (opened_at, id)",
    "ix_tickets_external_ref": "tickets (account_id, external_ref)",
    "ix_api_keys_account_id": "api_keys (account_id)",
    "ix_engineers_account_id": "engineers (account_id)",
    "ix_webhook_endpoints_account_id": "webhook_endpoints (account_id)",
}
_TITLES: Final = """
CREATE TABLE IF NOT EXISTS ticket_titles (
    account_id varchar COLLATE "C" NOT NULL,
    ticket_id varchar COLLATE "C" NOT NULL,
    number varchar COLLATE "C" NOT NULL,
    folded varchar COLLATE "C" NOT NULL,
    opened_at timestamptz NOT NULL,
    sandbox boolean NOT NULL,
    CONSTRAINT pk_ticket_titles PRIMARY KEY (account_id, ticket_id)
)
"""
_COMMENT: Final = "COMMENT ON COLUMN ticket_titles.folded IS 'the title as searches compare it (wording.folded)'"
_NUMBER: Final = "CREATE INDEX ix_ticket_titles_number ON ticket_titles (number)"
_WORDS: Final = """
CREATE INDEX ix_ticket_titles_words ON ticket_titles
USING gin (account_id, folded gin_trgm_ops) WITH (gin_pending_list_limit = 1024)
"""
_BATCH: Final = 5000
_FOUR_DIGITS: Final = 0x10000
_NEXT: Final = text("""
SELECT account_id, id, number, title, opened_at, sandbox FROM tickets AS t
WHERE (account_id, id) > (:account_id, :id)
  AND NOT EXISTS (SELECT FROM ticket_titles AS k WHERE k.account_id = t.account_id AND k.ticket_id = t.id)
ORDER BY account_id, id LIMIT :batch
""")
_ADD: Final = text("""
INSERT INTO ticket_titles (account_id, ticket_id, number, folded, opened_at, sandbox)
VALUES (:account_id, :id, :number, :folded, :opened_at, :sandbox) ON CONFLICT DO NOTHING
""")


def upgrade() -> None:
    for name in ("pg_trgm", "btree_gin"):
        _extend(name)
    if not op.get_bind().execute(text("SELECT EXISTS (SELECT FROM tickets)")).scalar_one():
        _make("")
        return
    # The service goes on meanwhile: each step is committed by itself, and can be done again after one that failed.
    # Nobody waits for an index that is built so; it itself waits for whoever writes.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        _make("CONCURRENTLY")
        op.execute("RESET lock_timeout")


def _extend(name: str) -> None:
    try:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    except DBAPIError as error:
        hint = f"Let its owner or a superuser run CREATE EXTENSION {name} in this database (PostgreSQL's contrib)"
        raise CommandError(f"The extension {name} cannot be made: {error.orig}. {hint}") from error


def _make(concurrently: str) -> None:
    op.execute(_TITLES)
    op.execute(_COMMENT)
    for name, what in _NEW.items():
        op.execute(f"DROP INDEX {concurrently} IF EXISTS {name}")
        op.execute(f"CREATE INDEX {concurrently} {name} ON {what}")
    for name in _OLD:
        op.execute(f"DROP INDEX {concurrently} IF EXISTS {name}")
    _fill()
    for name, statement in (("ix_ticket_titles_number", _NUMBER), ("ix_ticket_titles_words", _WORDS)):
        op.execute(f"DROP INDEX IF EXISTS {name}")
        op.execute(statement)
    _fill()  # tickets that an earlier version has opened in the meantime


def _fill() -> None:
    for tickets in _batches():
        op.get_bind().execute(_ADD, [{**each, "folded": _folded(each["title"])} for each in tickets])


def _batches() -> Iterator[Sequence[RowMapping]]:
    last = {"account_id": "", "id": ""}
    while tickets := op.get_bind().execute(_NEXT, last | {"batch": _BATCH}).mappings().all():
        yield tickets
        last = {name: tickets[-1][name] for name in last}


_PLAIN: Final = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
        "ŧ": "t",
        "ŋ": "n",
    }
)


def _folded(title: str) -> str:
    apart = normalize("NFKD", normalize("NFKD", title).casefold())
    plain = "".join(each for each in apart if category(each) != "Mn").translate(_PLAIN)
    return "".join(_spelt(each) for each in " ".join(plain.split()))


def _spelt(character: str) -> str:
    if character.isascii() or not character.isalnum():
        return character
    return f"x{ord(character):04x}" if ord(character) < _FOUR_DIGITS else f"y{ord(character):05x}"


def downgrade() -> None:
    op.drop_table("ticket_titles")
    for name in _NEW:
        op.drop_index(name)
    for name, what in _OLD.items():
        op.execute(f"CREATE INDEX {name} ON {what}")
