"""The sums of reports, of several units of time and dimensions, and the moves by which they are to change.

A replica that sums by the day alone counts nothing more from then on, and so leaves nothing unsummed.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
)

revision = "0058"
down_revision = "0056"
branch_labels = depends_on = None

ID = String(collation="C")
INSTANT = DateTime(timezone=True)
STORAGE = {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}}
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
# The unit of each cell and the dimensions by which it is apart; 100 is added for sums of moments.
CELLS = {
    1: ("quarter", ()),
    2: ("hour", ()),
    3: ("hour", ("priority",)),
    4: ("day", ()),
    5: ("day", ("priority", "plan_key", "plan_version")),
    6: ("day", ("engineer_id",)),
    7: ("day", ("product",)),
    8: ("day", ("tier", "channel")),
    9: ("month", ("priority", "product", "tier", "channel")),
    10: ("month", ("priority", "engineer_id")),
    11: ("month", ("priority", "plan_key", "plan_version", "account_id")),
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
       f.outcome = 'missed' AND f.settled_at IS NULL AS owed, coalesce(o.objective, -1) AS objective, f.misses
FROM report_facts AS f LEFT JOIN (
    SELECT p.key, p.version, o.key AS metric, o.value::float8 AS objective
    FROM plan_versions AS p CROSS JOIN LATERAL jsonb_each_text(p.document -> 'objectives') AS o
) AS o ON o.key = f.plan_key AND o.version = f.plan_version AND o.metric = f.metric
"""  # noqa: S608
MOMENTS = f"""
SELECT {ALIKE}, f.at, f.kind AS metric, 'moment' AS part, coalesce(f.outcome, '') AS outcome,
       coalesce(f.reason, '') AS reason, false AS owed, -1::float8 AS objective, 0 AS misses
FROM report_moments AS f
"""  # noqa: S608
DAYS = """
INSERT INTO report_days
SELECT date_trunc('day', started_at, 'UTC'), sandbox, metric,
       CASE cycle WHEN 0 THEN 'incident' WHEN 1 THEN 'first' ELSE 'later' END, priority, plan_key, plan_version,
       outcome, settled_at IS NULL, coalesce(outcome = 'cancelled' AND reason = 'resolved_by_sender', false),
       count(*), sum(misses)
FROM report_facts GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""


def upgrade() -> None:
    op.drop_table("report_days")
    op.create_table(
        "report_sums",
        Column("account_id", ID, nullable=False, comment="empty: of all accounts"),
        Column("cell", SmallInteger(), nullable=False, comment="which units, and which dimensions"),
        *_columns(),
        PrimaryKeyConstraint(*KEY),
        **STORAGE,
    )
    op.create_index(None, "report_sums", ["cell", "sandbox", "at"])
    op.create_table(
        "report_moves",
        Column("account_id", ID, primary_key=True),
        Column("id", BigInteger(), Identity(always=True), primary_key=True),
        *_columns(),
        **OFTEN,
    )
    for number, (unit, dimensions) in CELLS.items():
        op.execute(_sums(number, unit, dimensions, FACTS))
        op.execute(_sums(number + 100, unit, dimensions, MOMENTS))


def _columns() -> list["Column[object]"]:
    return [
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


def _sums(number: int, unit: str, dimensions: tuple[str, ...], rows: str) -> str:
    begin = (
        "date_bin('15 minutes', f.at, '2000-01-01T00:00:00Z')"
        if unit == "quarter"
        else f"date_trunc('{unit}', f.at, 'UTC')"
    )
    own = {name: f"f.{name}" if name in dimensions else empty for name, empty in DIMENSIONS.items()}
    own |= {"cell": str(number), "at": begin}
    selected = [own.get(name, f"f.{name}") for name in KEY]
    grouped = [own.get(name, f"f.{name}") for name in KEY if name in dimensions or name not in (*DIMENSIONS, "cell")]
    return f"""
    INSERT INTO report_sums ({", ".join(KEY)}, number, misses)
    SELECT {", ".join(selected)}, count(*), sum(f.misses) FROM ({rows}) AS f GROUP BY {", ".join(grouped)}
    """  # noqa: S608


def downgrade() -> None:
    op.drop_table("report_moves")
    op.drop_table("report_sums")
    op.create_table(
        "report_days",
        Column("day", INSTANT, primary_key=True, comment="when it began, in UTC"),
        Column("sandbox", Boolean(), primary_key=True),
        Column("metric", ID, primary_key=True),
        Column("part", ID, primary_key=True, comment="incident, first or later: of the cycles"),
        Column("priority", ID, primary_key=True),
        Column("plan_key", ID, primary_key=True),
        Column("plan_version", Integer(), primary_key=True),
        Column("outcome", ID, primary_key=True),
        Column("owed", Boolean(), primary_key=True, comment="it is not settled"),
        Column("by_sender", Boolean(), primary_key=True, comment="cancelled because its sender resolved the ticket"),
        Column("number", Integer(), nullable=False),
        Column("misses", Integer(), nullable=False),
        **STORAGE,
    )
    op.execute(DAYS)
