"""Which database a command works with."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.cli.postgres.embedded import DataInUse, EmbeddedServer
from app.cli.postgres.keeper import Keeper
from app.core.db.migrate import DatabaseUnfit
from app.core.process.watch import Watched
from app.core.settings import Settings

Data = Annotated[Path, typer.Option(envvar="DATA", help="The folder of the embedded database")]


def given_database() -> Settings:
    """Settings with the database of DATABASE_URL. Raises ``DatabaseUnfit`` without one."""
    settings = Settings()
    if not settings.database_url:
        raise DatabaseUnfit("DATABASE_URL is not set (`heliodesk up` needs none)")
    return settings


@contextmanager
def database(data: Path, *, shared: bool = False) -> Iterator[Settings]:
    """Settings with a database: the one of DATABASE_URL, else the embedded one in ``data``, which is never made here.

    ``shared``: where another process runs the embedded one, use it too. Raises ``DatabaseUnfit`` where there is none.
    """
    settings = _console_settings()
    if settings.database_url:
        yield settings
        return
    _require_database(data)
    server = EmbeddedServer(data)
    with ExitStack() as stack:
        try:
            stack.enter_context(server)
        except DataInUse:
            if not shared:
                raise
        yield _with_files(settings, data).model_copy(update={"database_url": server.url()})


def _require_database(data: Path) -> None:
    hint = "set DATA (or --data) to the folder of `heliodesk up`, or DATABASE_URL"
    try:
        (data / "postgres" / "PG_VERSION").stat()
    except FileNotFoundError:
        raise DatabaseUnfit(f"{data} holds no database: {hint}") from None
    except OSError as error:
        raise DatabaseUnfit(f"{data} cannot be read ({error.strerror}): {hint}") from error


@contextmanager
def kept_database(data: Path) -> Iterator[tuple[Settings, Watched | None]]:
    """The same for a command that serves: the embedded one is started again when it ends by itself.

    Beside the settings, how the embedded server is; None with DATABASE_URL.
    """
    settings = _with_files(_console_settings(), data)
    if settings.database_url:
        yield settings, None
        return
    with EmbeddedServer(data) as server, Keeper(server) as keeper:
        yield settings.model_copy(update={"database_url": server.url()}), keeper.watched


def _with_files(settings: Settings, data: Path) -> Settings:
    """The settings with a folder for files in ``data``, unless they say where files are."""
    if settings.s3_url or settings.files_folder:
        return settings
    return settings.model_copy(update={"files_folder": data.absolute() / "files"})


def _console_settings() -> Settings:
    """The settings of a command that a person looks on: its log is for people unless something else is set."""
    settings = Settings()
    return (
        settings if "log_format" in settings.model_fields_set else settings.model_copy(update={"log_format": "console"})
    )
