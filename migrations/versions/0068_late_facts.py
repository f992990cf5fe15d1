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


def upgrade() -> None:
    op.create_index(
        "ix_report_facts_late",
        "report_facts",
        ["sandbox", "started_at"],
        postgresql_include=READ,
        postgresql_where=text("outcome IN ('met_late', 'missed')"),
    )
    op.create_index(
        "ix_search_texts_open", "search_texts", ["account_id", "at", "id"], postgresql_where=text("NOT internal")
    )
    op.execute("DROP VIEW report_moves")
    op.execute("DROP FUNCTION heliodesk_moves_by_old_name")


def downgrade() -> None:
    for statement in OLD_NAME:
        op.execute(statement)
    op.drop_index("ix_search_texts_open", "search_texts")
    op.drop_index("ix_report_facts_late", "report_facts")
