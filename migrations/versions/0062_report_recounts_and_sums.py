"""Tickets with a long history, which reports count from time to time, and sums of further units and dimensions.

The moves by which sums are to change get another name: a replica that does not know the new sums would take moves away
that it adds to the others alone. It counts nothing more from then on, and goes on reading them by the old name.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Identity, Integer, String

revision = "0062"
down_revision = "0061"
branch_labels = depends_on = None

ID = String(collation="C")
INSTANT = DateTime(timezone=True)
OFTEN = {"postgresql_with": {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 20000}}
KEY = (
    "account_id",
    "cell",
    "sandbox",
    "at",
    "metric",
    "part",
    "outcome",
    "reason",
    "owed",
    "objective",
    "priority",
    "plan_key",
    "plan_version",
    "product",
    "tier",
    "channel",
    "engineer_id",
)
# The beginning of the unit of each cell and the dimensions by which it is apart; 100 is added for sums of moments.
SIX_HOURS = "date_bin('6 hours', f.at, '2000-01-01T00:00:00Z'::timestamptz)"
MONTH = "date_trunc('month', f.at, 'UTC')"
CELLS = {
    12: (SIX_HOURS, ()),
    13: (SIX_HOURS, ("priority",)),
    14: (MONTH, ("product", "engineer_id")),
    15: (MONTH, ("tier", "channel", "engineer_id")),
    16: (MONTH, ("plan_key", "plan_version", "product", "tier", "channel")),
    17: (MONTH, ("plan_key", "plan_version", "engineer_id")),
}
DIMENSIONS = {
    "account_id": "''",
    "priority": "''",
    "plan_key": "''",
    "plan_version": "0",
    "product": "''",
    "tier": "0",
    "channel": "''",
    "engineer_id": "''",
}
ALIKE = """
f.account_id, f.sandbox, f.priority, f.plan_key, f.plan_version, coalesce(f.product, '') AS product, f.tier, f.channel,
coalesce(f.engineer_id, '') AS engineer_id
"""
FACTS = f"""
SELECT {ALIKE}, f.started_at AS at, f.metric,
       CASE f.cycle WHEN 0 THEN 'incident' WHEN 1 THEN 'first' ELSE 'later' END AS part, f.outcome,
       CASE WHEN f.outcome = 'cancelled' AND f.reason = 'resolved_by_sender' THEN f.reason ELSE '' END AS reason,
       f.outcome = 'missed' AND f.settled_at IS NULL AS owed, coalesce(o.objective, -1) AS objective, 1 AS number,
       f.misses
FROM report_facts AS f LEFT JOIN (
    SELECT p.key, p.version, o.key AS metric, o.value::float8 AS objective
    FROM plan_versions AS p CROSS JOIN LATERAL jsonb_each_text(p.document -> 'objectives') AS o
) AS o ON o.key = f.plan_key AND o.version = f.plan_version AND o.metric = f.metric
"""  # noqa: S608
MOMENTS = f"""
SELECT {ALIKE}, f.at, f.kind AS metric, 'moment' AS part, coalesce(f.outcome, '') AS outcome,
       coalesce(f.reason, '') AS reason, false AS owed, -1::float8 AS objective, 1 AS number, 0 AS misses
FROM report_moments AS f
"""  # noqa: S608
# What is not summed up yet is not in the sums.
MOVES = """
SELECT f.account_id, f.sandbox, f.priority, f.plan_key, f.plan_version, f.product, f.tier, f.channel, f.engineer_id,
       f.at, f.metric, f.part, f.outcome, f.reason, f.owed, f.objective, -f.number, -f.misses
FROM report_sum_moves AS f WHERE (f.part = 'moment') = {}
"""

# For replicas of the previous version, until a later one drops it: they read by it, and write nothing, not even nothing
# at all, since the work that goes with it would be half done. They take what is forbidden for the schema's fault.
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
    op.create_table(
        "report_recounts",
        Column("account_id", ID, primary_key=True),
        Column("ticket_id", ID, primary_key=True),
        Column("since", INSTANT, nullable=False, comment="when the first event was recorded that is not counted"),
        Column("due_at", INSTANT, nullable=False),
    )
    op.create_index(None, "report_recounts", ["due_at"])
    op.create_index(None, "report_recounts", ["since"])
    _copy_moves("report_moves", "report_sum_moves")
    for number, (begin, dimensions) in CELLS.items():
        op.execute(_sums(number, begin, dimensions, f"{FACTS} UNION ALL {MOVES.format(False)}"))
        op.execute(_sums(number + 100, begin, dimensions, f"{MOMENTS} UNION ALL {MOVES.format(True)}"))
    op.drop_table("report_moves")
    for statement in OLD_NAME:
        op.execute(statement)


def _copy_moves(before: str, after: str) -> None:
    """To a new table, whose constraints are named after it; there are some thousands of rows.

    From then on nobody writes the old one, so no facts either; whoever reads it goes on until it is dropped.
    """
    columns: list[Column[object]] = [
        Column("account_id", ID, primary_key=True),
        Column("id", BigInteger(), Identity(always=True), primary_key=True),
        Column("sandbox", Boolean(), nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("metric", ID, nullable=False, comment="of a moment: its kind"),
        Column("part", ID, nullable=False, comment="of the cycles: incident, first or later; or moment"),
        Column("outcome", ID, nullable=False),
        Column("reason", ID, nullable=False),
        Column("owed", Boolean(), nullable=False, comment="it was missed, and is still owed"),
        Column("objective", Float(), nullable=False, comment="what the plan aims for; -1: nothing"),
        Column("priority", ID, nullable=False),
        Column("plan_key", ID, nullable=False),
        Column("plan_version", Integer(), nullable=False),
        Column("product", ID, nullable=False),
        Column("tier", Integer(), nullable=False),
        Column("channel", ID, nullable=False),
        Column("engineer_id", ID, nullable=False),
        Column("number", Integer(), nullable=False),
        Column("misses", Integer(), nullable=False),
    ]
    op.execute(f"LOCK TABLE {before} IN EXCLUSIVE MODE")
    op.create_table(after, *columns, **OFTEN)
    names = ", ".join(column.name for column in columns if column.name != "id")
    op.execute(f"INSERT INTO {after} ({names}) SELECT {names} FROM {before}")  # noqa: S608


def _sums(number: int, begin: str, dimensions: tuple[str, ...], rows: str) -> str:
    own = {name: f"f.{name}" if name in dimensions else empty for name, empty in DIMENSIONS.items()}
    own |= {"cell": str(number), "at": begin}
    selected = [own.get(name, f"f.{name}") for name in KEY]
    grouped = [own.get(name, f"f.{name}") for name in KEY if name in dimensions or name not in (*DIMENSIONS, "cell")]
    return f"""
    INSERT INTO report_sums ({", ".join(KEY)}, number, misses)
    SELECT {", ".join(selected)}, sum(f.number), sum(f.misses) FROM ({rows}) AS f GROUP BY {", ".join(grouped)}
    HAVING sum(f.number) <> 0 OR sum(f.misses) <> 0
    """  # noqa: S608


def downgrade() -> None:
    op.execute(f"DELETE FROM report_sums WHERE cell IN ({', '.join(f'{n}, {n + 100}' for n in CELLS)})")  # noqa: S608
    op.execute("DROP VIEW report_moves")
    op.execute("DROP FUNCTION heliodesk_moves_by_old_name")
    _copy_moves("report_sum_moves", "report_moves")
    op.drop_table("report_sum_moves")
    op.drop_table("report_recounts")
