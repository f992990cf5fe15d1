"""The moves of sums lose the name by which replicas from before 0062 read them."""

from alembic import op

revision = "0068"
down_revision = "0064"
branch_labels = depends_on = None

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
    op.execute("DROP VIEW report_moves")
    op.execute("DROP FUNCTION heliodesk_moves_by_old_name")


def downgrade() -> None:
    for statement in OLD_NAME:
        op.execute(statement)
