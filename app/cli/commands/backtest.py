"""``heliodesk plan backtest``: a plan tried on recorded tickets, with a bar while it runs and tables at its end."""

import asyncio
import re
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from app.backtests import running
from app.backtests.running import Order, Report
from app.backtests.schemas import NewBacktest
from app.cli.commands.check import INSTANTS, as_utc, progress
from app.cli.commands.plan import STORED, mapping, read_data, read_plan, told_of, wide
from app.cli.databases import Data, database
from app.core.db.migrate import require_fit
from app.core.db.tables import Row
from app.core.logging import configure_logging
from app.core.problems import NotFound
from app.core.settings import Settings
from app.core.text.amounts import amount
from app.core.text.language import SOURCE
from app.core.text.messages import verbatim
from app.resources import COMMANDS, open_state

_OWNER: Final = "heliodesk plan backtest"
_KEY: Final = re.compile(r"[a-z0-9-]+")


def backtest(  # noqa: PLR0913  the options of one command
    plan: Annotated[
        str | None, typer.Argument(help="A file, a plan's key, or key@version; without it: what each ticket had")
    ] = None,
    *,
    since: Annotated[datetime, typer.Option(formats=INSTANTS, help="Only tickets opened since then (UTC by default)")],
    until: Annotated[datetime | None, typer.Option(formats=INSTANTS, help="Only tickets opened before then")] = None,
    account: Annotated[
        str | None, typer.Option(help="Only tickets of this account; default: all but sandboxes")
    ] = None,
    from_key: Annotated[str | None, typer.Option(help="Only tickets on this plan")] = None,
    change: Annotated[Path | None, typer.Option(help="A file with a merge patch of the plan, YAML or JSON")] = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="old=new: what a priority that the plan lacks becomes")
    ] = None,
    most: Annotated[int, typer.Option("--tickets", min=0, help="Changed promises to list")] = 50,
    data: Data = Path(".heliodesk"),
) -> None:
    """Try a plan on recorded tickets: what its attainment would have been, and what it alone misses or keeps.

    It only reads. The service may be running.
    """
    scope = {"since": as_utc(since), "until": as_utc(until), "account_id": account, "from_key": from_key}
    tried = {"priorities": mapping(mapped or []), "change": _change(change) if change else None, **_source(plan)}
    command = NewBacktest.model_validate(scope | tried)
    with database(data, shared=True) as settings:
        configure_logging(settings)
        asyncio.run(_backtest(settings, command, most))


def _source(name: str | None) -> dict[str, Any]:
    """The members of a request that name the plan."""
    if name is None:
        return {}
    if Path(name).exists():
        with told_of(Path(name)) as lines:
            return {"plan": read_plan(Path(name), lines).canonical()}
    if match := STORED.fullmatch(name):
        return {"plan": match["key"], "version": int(match["version"])}
    if not _KEY.fullmatch(name):
        raise NotFound(verbatim(f"{name} is neither a file, nor a plan's key, nor of the form key@version"))
    return {"plan": name}


def _change(file: Path) -> Any:
    with told_of(file) as lines:
        return read_data(file, lines)


async def _backtest(settings: Settings, command: NewBacktest, most: int) -> None:
    await require_fit(settings.database_url)
    report, changes = Report(), list[Row]()
    async with open_state(settings, COMMANDS) as state:
        order = await running.prepare(state.sessions, state.offload, _OWNER, command)
        with progress(Console(stderr=True), order.total) as passed:
            async with aclosing(running.run(state.sessions, state.offload, _OWNER, order, SOURCE)) as found:
                async for batch in found:
                    report.add(batch)
                    changes += batch.lines[: max(0, most - len(changes))]
                    passed(batch.tickets)
    _show(order, report, changes)


def _show(order: Order, report: Report, changes: list[Row]) -> None:
    console, document = wide(), report.document(order)
    if document["attainment"]:
        console.print(_attainment(document["attainment"], sampled=document["sampled"]))
    if changes:
        console.print(_changes(changes))
    for row in document["left_out"]:
        tickets = f"{amount(row['tickets'], 'ticket')} left out ({row['reason']})"
        console.print(f"{tickets}, such as {row['ticket_id']}: {row['detail']}", markup=False, highlight=False)
    listed, changed = len(changes), report.missed + report.saved
    more = f" ({listed:,} of them listed)" if listed < changed else ""
    sample = f", {document['looked_at']:,} of them tried as a sample" if document["sampled"] else ""
    console.print(
        f"{amount(order.tickets, 'ticket')}{sample}. Promises missed by this plan alone: {report.missed:,};"
        f" by the recorded one alone: {report.saved:,}{more}"
    )


def _attainment(rows: list[Row], *, sampled: bool) -> Table:
    columns = ("metric", "priority", "cycles", "objective", "recorded", "", "backtest", "", *(["±"] if sampled else []))
    table = Table(*columns, box=None)
    for row in rows:
        sides = [cell for side in (row["recorded"], row["backtest"]) for cell in _cells(side)]
        margin = [_percent(row["backtest"]["margin"])] if sampled else []
        table.add_row(row["metric"], row["priority"], row["cycles"], _percent(row["objective"]), *sides, *margin)
    return table


def _cells(side: Row) -> tuple[str, str]:
    return _percent(side["attained"]), f"{side['met']:,} of {side['promised']:,}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _changes(changes: list[Row]) -> Table:
    table = Table("", "number", "ticket", "promise", "priority", "recorded", "backtest", "detail", box=None)
    for line in changes:
        states = ((line[side] or {}).get("state", "-") for side in ("recorded", "backtest"))
        promise = f"{line['metric']}/{line['cycle']}"
        table.add_row(
            line["kind"], line["number"], line["ticket_id"], promise, line["priority"], *states, line["detail"]
        )
    return table
