"""How late was what was late, and how late that was noticed."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Row
from app.reports.asked import Asked
from app.reports.attainment import head, order, too_many
from app.reports.linking import link
from app.reports.selecting import COLUMNS, ENGINEER, MOST, PART, Values, bucket, engineer_of, of_facts

_LATE: Final = ("met_late", "missed")
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
# What is still owed is late by now: by the sandbox's clock where the account has one of its own.
_FACTS: Final = f"""
SELECT f.*, f.started_at AS at, {PART} AS part, f.noticed_us / 1e6 AS noticed,
       extract(epoch FROM coalesce(f.settled_at, a.sandbox_now, clock_timestamp()) - f.due_at)::float8 AS late
FROM report_facts AS f JOIN accounts AS a ON a.account_id = f.account_id
"""  # noqa: S608  our own names


def _figures(name: str) -> str:
    shares = ", ".join(map(str, _SHARES.values()))
    return f"""count(f.{name}) AS {name}_number, max(f.{name})::float8 AS {name}_max,
    percentile_disc(ARRAY[{shares}]) WITHIN GROUP (ORDER BY f.{name})::float8[] AS {name}_shares"""


async def lateness(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """The report. 422 where it would have too many groups."""
    values = Values()
    wanted = [*of_facts(asked, values), "f.outcome IN ('met_late', 'missed')", "f.due_at IS NOT NULL"]
    named = [*bucket(asked, values), *((name, COLUMNS[name]) for name in asked.dimensions)]
    groups = ", ".join(f"{expression} AS {name}" for name, expression in named)
    engineer = ENGINEER if "region" in asked.dimensions else ""
    statement = f"""
    SELECT {groups}, {_figures("late")}, {_figures("noticed")}
    FROM ({_FACTS} {engineer_of(asked)} WHERE {" AND ".join(wanted)}) AS f {engineer}
    GROUP BY {", ".join(str(number) for number in range(1, len(named) + 1))} LIMIT {MOST + 1}
    """  # noqa: S608  expressions of ours
    rows = await (await driver(session)).fetch(statement, *values.all)
    if len(rows) > MOST:
        raise too_many()
    names = [name for name, _ in named]
    rows = sorted(rows, key=lambda row: order(row[name] for name in names))
    return await head(session, asked) | {
        "cycles": asked.of.cycles,
        "items": [_item(asked, row, {name: row[name] for name in names}) for row in rows],
    }


def _item(asked: Asked, row: Row, group: dict[str, Any]) -> dict[str, Any]:
    late, noticed = _spread(row, "late"), _spread(row, "noticed")
    return {"group": group, "late": late, "noticed": noticed, "promises": link(asked, group, _LATE)}


def _spread(row: Row, name: str) -> dict[str, Any]:
    shares = row[f"{name}_shares"] or [None] * len(_SHARES)
    return {"number": row[f"{name}_number"], **dict(zip(_SHARES, shares, strict=True)), "max": row[f"{name}_max"]}
