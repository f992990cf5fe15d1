"""An index of what was late, by which its lateness is read without the facts.

Another one has the texts that customers see: their searches are corrected without those that they do not see. And the
moves of sums lose the name by which replicas from before 0062 read them.
"""

from alembic import op
from sqlalchemy import text

revision = "0068"
down_revision = "0067"
branch_labels = depends_on = None

READ = (
    "account_id",
    "metric",
    "cycle",
    "priority",
    "plan_key",
    "plan_version",
    "product",
    "channel",
    "tier",
    "engineer_id",
    "due_at",
    "settled_at",
    "noticed_us",
)
# As 0062 has it.
OLD_NAME = (
    "CREATE VIEW report_moves AS SELECT * FROM report_sum_moves",
    """
    CREATE FUNCTION heliodesk_moves_by_old_name() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE insufficient_privilege USING MESSAGE = 'this version counts nothing more: the schema is newer';
    END $$
    """,
    """
    CREATE TRIGGER forbidden BEFORE INSERT OR UPDATE OR DELETE ON report_moves
    FOR EACH STATEMENT EXECUTE FUNCTION heliodesk_moves_by_old_name()
    """,
    """
    CREATE TRIGGER not_updatable INSTEAD OF INSERT OR UPDATE OR DELETE ON report_moves
    FOR EACH ROW EXECUTE FUNCTION heliodesk_moves_by_old_name()
    """,
)


LATE, OPEN = "ix_report_facts_late", "ix_search_texts_open"
INVALID = text("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)")


def upgrade() -> None:
    # Reports are counted and texts are indexed meanwhile. Each index is committed by itself, and a build that was
    # interrupted is begun anew.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, table in ((LATE, "report_facts"), (OPEN, "search_texts")):
            if op.get_bind().execute(INVALID, {"name": name}).scalar_one():
                op.drop_index(name, table, postgresql_concurrently=True)
        op.create_index(
            LATE,
            "report_facts",
            ["sandbox", "started_at"],
            postgresql_include=READ,
            postgresql_where=text("outcome IN ('met_late', 'missed')"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            OPEN,
            "search_texts",
            ["account_id", "at", "id"],
            postgresql_where=text("NOT internal"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.execute("RESET lock_timeout")
    op.execute("DROP VIEW report_moves")
    op.execute("DROP FUNCTION heliodesk_moves_by_old_name")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.drop_index(OPEN, "search_texts", postgresql_concurrently=True, if_exists=True)
        op.drop_index(LATE, "report_facts", postgresql_concurrently=True, if_exists=True)
        op.execute("RESET lock_timeout")
    for statement in OLD_NAME:
        op.execute(statement)
