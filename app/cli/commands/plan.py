"""``heliodesk plan``: for people who keep plans in git, and for operators who apply them."""

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from app.cli.commands.check import progress
from app.cli.databases import Data, database
from app.core import clock
from app.core.auth import Actor
from app.core.db.engine import Sessions
from app.core.db.migrate import require_fit
from app.core.db.tables import Row
from app.core.logging import configure_logging
from app.core.problems import BadRequest, Fault, NotFound, Problem, message_of
from app.core.settings import Settings
from app.core.text.amounts import amount
from app.core.text.messages import _, verbatim
from app.core.web.body import read_json
from app.plans import queries, store
from app.plans.document.diff import differences
from app.plans.document.parsing.documents import PlanDocument, parse
from app.plans.document.parsing.expansion import expanded, years_around
from app.plans.document.parsing.reading import read_yaml
from app.plans.document.parsing.stored import read_stored
from app.resources import COMMANDS, open_state
from app.rollout import applying
from app.rollout.applying import Report
from app.rollout.schemas import PlanApplication

plans = typer.Typer(help="Check, compare and apply plans.", no_args_is_help=True)

_ACTOR: Final = Actor("automation", name="heliodesk plan apply")
STORED: Final = re.compile(r"(?P<key>[a-z0-9-]+)@(?P<version>[0-9]{1,9})")
_WIDE: Final = 160
"""Columns of a table that goes into a file or a pipe."""


@plans.command()
def check(files: Annotated[list[Path], typer.Argument(help="Plan documents, YAML or JSON")]) -> None:
    """Check plan documents: every fault with its place. The exit code is 1 when there is one."""
    faulty = False
    for file in files:
        lines: dict[str, int] = {}
        try:
            document = expanded(read_plan(file, lines), years_around(clock.wall_now()))
        except Problem as problem:
            faulty = True
            for place, detail in _faults(problem, lines):
                typer.echo(f"{file}{place}: {detail}")
        else:
            languages = ", ".join(sorted(document.name))
            typer.echo(f"{file}: {document.key}: priorities {', '.join(document.priority_keys)}; {languages}")
    if faulty:
        raise typer.Exit(1)


@contextmanager
def told_of(file: Path) -> Iterator[dict[str, int]]:
    """Where the block reads the file and finds it wrong, exit with each fault, its file and its line."""
    lines: dict[str, int] = {}
    try:
        yield lines
    except Problem as problem:
        sys.exit("\n".join(f"heliodesk: {file}{place}: {detail}" for place, detail in _faults(problem, lines)))


def read_plan(file: Path, lines: dict[str, int] | None = None) -> PlanDocument:
    """The document in a file. Raises a ``Problem`` with all that is wrong with it."""
    return parse(read_data(file, lines))


def read_data(file: Path, lines: dict[str, int] | None = None) -> Any:
    """What a file of JSON or YAML says. Raises a ``Problem``."""
    try:
        text = file.read_bytes()
        return read_json(text) if file.suffix == ".json" else read_yaml(text.decode(), lines)
    except OSError as error:
        raise NotFound(verbatim(error.strerror or str(error))) from error
    except UnicodeDecodeError as error:
        raise BadRequest(_("This is not UTF-8 text")) from error


def _faults(problem: Problem, lines: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Each fault with ``:line`` and pointer of its place; a place that is missing stands at what should hold it."""
    for fault in problem.errors or [Fault(pointer="", detail=message_of(problem))]:
        place = fault["pointer"]
        while place and place not in lines:
            place = place.rpartition("/")[0]
        line = f":{lines[place]}" if place in lines else ""
        yield f"{line}: {fault['pointer']}" if fault["pointer"] else line, fault["detail"]


@plans.command()
def diff(
    before: Annotated[str, typer.Argument(help="A file, a shipped plan's key, or key@version of the database")],
    after: Annotated[str, typer.Argument(help="The same")],
    *,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when they differ")] = False,
    data: Data = Path(".heliodesk"),
) -> None:
    """Show how two plan documents differ: each place, with its value on either side."""
    sides = [_source(before, data), _source(after, data)]
    at = next((side.stored_at for side in sides if side.stored_at), None)
    found = differences(*(side.canonical(at) for side in sides))
    for difference in found:
        typer.echo(str(difference))
    if found and exit_code:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Source:
    """A document; of a stored one, when that was: its countries' holidays are dates since then."""

    document: PlanDocument
    stored_at: datetime | None = None

    def canonical(self, at: datetime | None) -> dict[str, Any]:
        """The document as JSON, with its countries' holidays as dates if the other one has its own so."""
        if at is None or self.stored_at:
            return self.document.canonical()
        return expanded(self.document, years_around(at)).canonical()


def _source(name: str, data: Path) -> _Source:
    if Path(name).exists():
        with told_of(Path(name)) as lines:
            return _Source(read_plan(Path(name), lines))
    if match := STORED.fullmatch(name):
        with database(data, shared=True) as settings:
            return asyncio.run(_stored(settings, match["key"], int(match["version"])))
    shipped = {document.key: document for document in store.builtin_plans()}
    if name not in shipped:
        raise NotFound(
            verbatim(
                f"{name} is neither a file, nor a shipped plan ({', '.join(shipped)}), nor of the form key@version"
            )
        )
    return _Source(shipped[name])


async def _stored(settings: Settings, key: str, version: int) -> _Source:
    await require_fit(settings.database_url)
    async with open_state(settings, COMMANDS) as state, state.sessions() as session:
        row = await queries.stored_version(session, key, version)
    return _Source(read_stored(row.document)[0], row.created_at)


@plans.command(name="list")
def list_command(data: Data = Path(".heliodesk")) -> None:
    """List the plans in force, each with its current version."""
    with database(data, shared=True) as settings:
        for line in asyncio.run(_current(settings)):
            typer.echo(line)


async def _current(settings: Settings) -> list[str]:
    await require_fit(settings.database_url)
    async with open_state(settings, COMMANDS) as state, state.sessions() as session:
        rows = await queries.current_plans(session, "", 10_000)
    return [f"{row.key}@{row.version}: {row.document['name']['en']}" for row in rows]


@plans.command(name="apply")
def apply_command(  # noqa: PLR0913  the options of one command
    key: str,
    version: Annotated[int, typer.Argument(min=1, max=2**31 - 1)],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would move; write nothing")] = False,
    account: Annotated[list[str] | None, typer.Option(help="Only tickets of this account; may be repeated")] = None,
    from_key: Annotated[str | None, typer.Option(help="Only tickets on this plan; default: KEY")] = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="old=new: what a priority that the version lacks becomes")
    ] = None,
    data: Data = Path(".heliodesk"),
) -> None:
    """Apply a version to open tickets, and show which deadlines move. The service may be running.

    If it is interrupted, run it again: it goes on. The exit code is 1 when a ticket cannot be computed.
    """
    order = {"dry_run": dry_run, "account_ids": account, "from_key": from_key, "priorities": mapping(mapped or [])}
    command = PlanApplication.model_validate(order)
    with database(data, shared=True) as settings:
        configure_logging(settings)
        report = asyncio.run(_apply(settings, key, version, command))
    if report.failed:
        raise typer.Exit(1)


def mapping(pairs: Sequence[str]) -> dict[str, str]:
    """What becomes of priorities, of pairs such as ``old=new``."""
    return {old: new for old, _, new in (pair.partition("=") for pair in pairs)}


async def _apply(settings: Settings, key: str, version: int, command: PlanApplication) -> Report:
    await require_fit(settings.database_url)
    console = Console(stderr=True)
    async with open_state(settings, COMMANDS) as state:
        report, total = await _run(state.sessions, key, version, command, console)
    _show(report, total, dry_run=command.dry_run)
    return report


async def _run(
    sessions: Sessions, key: str, version: int, command: PlanApplication, console: Console
) -> tuple[Report, int]:
    order = await applying.check(sessions, key, version, command)
    report = Report()
    with progress(console, len(order.tickets)) as passed:
        async for batch in applying.run(sessions, order, _ACTOR):
            report.add(batch)
            passed(batch.done)
    return report, len(order.tickets)


def wide() -> Console:
    """Where tables are printed: as wide as the terminal, or wide enough for a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def _show(report: Report, total: int, *, dry_run: bool) -> None:
    console = wide()
    if report.moves:
        table = Table("number", "ticket", "deadline", "what", "from", "to", box=None)
        for move in report.moves:
            table.add_row(*_cells(move))
        console.print(table)
    for failed in report.failed:
        console.print(f"{failed['ticket_id']} stays as it is: {failed['error']}", markup=False)
    would = "would change" if dry_run else "changed"
    moved = amount(len(report.moves), "deadline moves", "deadlines move")
    console.print(f"{amount(total, 'ticket')} in scope, {report.changed:,} {would}, {moved}")
    if report.calls_requested or report.calls_ended:
        requested = amount(report.calls_requested, "call is requested", "calls are requested")
        console.print(f"{requested}, {amount(report.calls_ended, 'ends', 'end')}")


def _cells(move: Row) -> tuple[str, ...]:
    instants = (move[name].isoformat(timespec="seconds") if move[name] else "-" for name in ("from", "to"))
    return move["number"], move["ticket_id"], f"{move['metric']}/{move['cycle']}", move["kind"], *instants
