"""``heliodesk reports``: what reports are counted from."""

import asyncio
from pathlib import Path

import typer
from rich.console import Console

from app.cli.commands.check import progress
from app.cli.databases import Data, database
from app.core import clock
from app.core.db.migrate import require_fit
from app.core.settings import Settings
from app.core.text.amounts import amount
from app.replay.snapshots import Scope, count
from app.reports.facts.rebuilding import rebuild
from app.resources import COMMANDS, open_state

reports = typer.Typer(help="Maintain the figures that reports are made of.", no_args_is_help=True)


@reports.callback()
def _group() -> None:
    """Maintain the figures that reports are made of."""


@reports.command(name="rebuild")
def rebuild_command(data: Data = Path(".heliodesk")) -> None:
    """Count all tickets again from their events. The service may be running.

    It is needed when `heliodesk check` finds that reports count wrongly. Until it is done, reports show what they had.
    """
    with database(data, shared=True) as settings:
        typer.echo(asyncio.run(_rebuild(settings)))


async def _rebuild(settings: Settings) -> str:
    await require_fit(settings.database_url)
    started, tickets = clock.monotonic(), 0
    async with open_state(settings, COMMANDS) as state:
        total = await count(state.sessions, Scope())
        with progress(Console(soft_wrap=True), total) as passed:
            async for number in rebuild(state.sessions, await state.feed.decided()):
                tickets += number
                passed(number)
    seconds = clock.monotonic() - started
    return f"{amount(tickets, 'ticket')} counted in {seconds:.1f} s ({tickets / seconds:,.0f} a second)"
