"""``heliodesk articles``: for people who keep their knowledge base in git."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from app.articles.files import SUFFIX, file_name, read_article, written
from app.articles.schemas import NewArticle
from app.articles.usecases.importing import export_articles, import_articles
from app.cli.databases import Data, database
from app.cli.input_faults import problem_faults
from app.core.auth import Actor
from app.core.db.migrate import require_fit
from app.core.db.session import transaction
from app.core.problems import Problem
from app.core.settings import Settings
from app.core.text.amounts import amount
from app.resources import COMMANDS, open_state

articles = typer.Typer(help="Import and export the knowledge base.", no_args_is_help=True)

_LARGEST: Final = 500_000
"""Bytes of a file: more than an article may have in any language."""
_AT_ONCE: Final = 50
"""Articles of one transaction: whoever follows the events waits until it has ended."""
_ACTOR: Final = Actor("automation", name="heliodesk articles import")
Folder = Annotated[Path, typer.Argument(help="A folder of files such as export-fails.en.md", file_okay=False)]


@articles.command(name="import")
def import_command(
    folder: Folder,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change; write nothing")] = False,
    data: Data = Path(".heliodesk"),
) -> None:
    """Create and change articles from the Markdown files in a folder. The service may be running.

    A file is identified by its slug and language, so a second run changes nothing. Articles without a file stay. If a
    file is wrong, nothing is written, all faults are printed, and the exit code is 1. What a Ctrl-C interrupts has kept
    what it has printed, and goes on when it is run again.
    """
    files, counts = _read(folder), Counter[str]()
    with database(data, shared=True) as settings:
        try:
            asyncio.run(_import(settings, files, counts, dry_run=dry_run))
        except KeyboardInterrupt:
            typer.echo(f"Interrupted after {_told(counts)}: run it again for the rest", err=True)
            raise typer.Exit(130) from None
    typer.echo(f"{_told(counts)}{' (dry run: nothing is written)' if dry_run else ''}")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in ("created", "changed", "unchanged"))


@articles.command(name="export")
def export_command(folder: Folder, *, data: Data = Path(".heliodesk")) -> None:
    """Write all articles, drafts and archived ones too, as Markdown files into a folder."""
    with database(data, shared=True) as settings:
        found = asyncio.run(_export(settings))
    folder.mkdir(parents=True, exist_ok=True)
    for article in found:
        (folder / file_name(article)).write_text(written(article), encoding="utf-8")
    typer.echo(amount(len(found), "article"))


def _read(folder: Path) -> list[NewArticle]:
    if not folder.is_dir():
        typer.echo(f"{folder}: there is no such folder", err=True)
        raise typer.Exit(1)
    found: dict[str, NewArticle] = {}
    is_faulty = False
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            article = read_article(file.name, _text_of(file, folder))
            same = found.setdefault(file_name(article).lower(), article)
            if same is not article:
                typer.echo(f"{file}: this is the same article as {file_name(same)}", err=True)
                is_faulty = True
        except _Unread as error:
            typer.echo(f"{file}: {error}", err=True)
            is_faulty = True
        except Problem as problem:
            for line in problem_faults(problem):
                typer.echo(f"{file}: {line}", err=True)
            is_faulty = True
    if is_faulty:
        raise typer.Exit(1)
    return list(found.values())


class _Unread(Exception):
    """A file that is no article, with the reason."""


def _text_of(file: Path, folder: Path) -> str:
    """The text of a regular file that lies in this folder: no pipe, no device, no link to somewhere else."""
    try:
        if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
            raise _Unread("this is not a file of the folder")
        if file.stat().st_size > _LARGEST:
            raise _Unread(f"this is larger than {_LARGEST:,} bytes")
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unread("this is not UTF-8 text") from error
    except OSError as error:
        raise _Unread(error.strerror or str(error)) from error


async def _import(settings: Settings, files: Sequence[NewArticle], counts: Counter[str], *, dry_run: bool) -> None:
    """Count how many articles came to which outcome; each is told once it is written."""
    await require_fit(settings.database_url)
    async with open_state(settings, COMMANDS) as state:
        for start in range(0, len(files), _AT_ONCE):
            async with transaction(state.sessions) as session:
                done = await import_articles(session, files[start : start + _AT_ONCE], _ACTOR, dry_run=dry_run)
            for each in done:
                if each.outcome != "unchanged":
                    typer.echo(f"{file_name(each.article)}: {each.outcome}")
            counts.update(each.outcome for each in done)


async def _export(settings: Settings) -> list[NewArticle]:
    await require_fit(settings.database_url)
    async with open_state(settings, COMMANDS) as state, state.sessions() as session:
        return await export_articles(session)
