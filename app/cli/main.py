"""The command ``heliodesk``."""

import asyncio
import re
import sys
from datetime import datetime
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from pydantic import AnyHttpUrl, ValidationError

from app.accounts.usecases.bootstrap import add_admin_key, bootstrap_admin_key
from app.calls.providers import meet
from app.cli.banner import admin_key_command, banner, keep_keys, keep_url, kept_keys
from app.cli.commands.articles import articles
from app.cli.commands.backtest import backtest
from app.cli.commands.check import INSTANTS, NothingToCheck, as_utc, check
from app.cli.commands.demo import make_demo
from app.cli.commands.demo_host import PATH, Widget, make_widget, origins_of, serve_host
from app.cli.commands.mail import mail
from app.cli.commands.plan import plans
from app.cli.commands.reports import reports
from app.cli.databases import Data, database, given_database, kept_database
from app.cli.input_faults import option_faults, problem_faults, setting_faults
from app.cli.postgres.binaries import NoPostgres
from app.cli.postgres.embedded import DataInUse
from app.cli.postgres.leftovers import ServerFailed
from app.cli.serving import PortBusy, listen, serve, stop_on_sigterm
from app.cli.settings_table import settings_table
from app.core import clock
from app.core.db.migrate import DatabaseUnfit, require_fit, upgrade
from app.core.db.session import transaction
from app.core.limits.addresses import in_both_forms
from app.core.logging import configure_logging
from app.core.outgoing.addresses import is_local
from app.core.problems import Problem
from app.core.process.watch import Watched
from app.core.settings import Settings, Unconfigurable
from app.core.web.edge.connections import ConnectionLimits
from app.core.workers.parents import end_with_parent
from app.core.zones import IN_FORCE, NoZones, database_in
from app.main import create_app
from app.notices.sending import channels
from app.openapi import scopes_table
from app.paging.ways import check_kinds
from app.plans.document.parsing.documents import json_schema
from app.plans.store import load_builtin
from app.replay.outlook import Outlook, faults
from app.replay.snapshots import Scope
from app.resources import STARTING, open_state
from app.webhooks.background.catch_up import leave_behind
from app.webhooks.outbox.subscriptions import refresh_subscriptions

cli = typer.Typer(
    help="Heliodesk keeps the promises of premium support.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # so that a paragraph of a docstring is one of the help, too
)
plans.command()(backtest)
cli.add_typer(plans, name="plan")
cli.add_typer(articles, name="articles")
cli.add_typer(reports, name="reports")
cli.add_typer(mail, name="mail")

Port = Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="The port to serve on")]
Host = Annotated[str, typer.Option(envvar="HOST", help="The address to serve on")]

_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_ROOT: Final = Path(__file__).resolve().parents[2]
_SCOPES: Final = re.compile(r"(?<=<!-- scopes: written by `make openapi` -->\n).*?(?=<!-- /scopes -->)", re.DOTALL)
_SETTINGS: Final = re.compile(
    r"(?<=<!-- settings: written by `make openapi` -->\n).*?(?=<!-- /settings -->)", re.DOTALL
)
_KNOWN: Final = (DataInUse, ServerFailed, NoPostgres, PortBusy, DatabaseUnfit, NothingToCheck, NoZones, Unconfigurable)


def main() -> None:
    """Run the command; what an operator can mend is told in one line, without a traceback."""
    stop_on_sigterm()
    try:
        cli()
    except _KNOWN as error:
        sys.exit(f"heliodesk: {error}")
    except Problem as problem:
        sys.exit("\n".join(f"heliodesk: {line}" for line in problem_faults(problem)))
    except ValidationError as error:
        lines = setting_faults(error) if error.title == Settings.__name__ else option_faults(error)
        sys.exit("\n".join(f"heliodesk: {line}" for line in lines))
    except KeyboardInterrupt:
        sys.exit(130)


@cli.command()
def up(
    port: Port = 8000,
    data: Data = Path(".heliodesk"),
    *,
    demo: Annotated[bool, typer.Option(envvar="DEMO", help="Create a demo account at the first start")] = True,
    die_with_parent: Annotated[bool, typer.Option(help="Stop when the process that started this one dies")] = False,
) -> None:
    """Serve on 127.0.0.1 with an embedded PostgreSQL (or DATABASE_URL), the shipped plans and a demo account."""
    if die_with_parent:
        end_with_parent()
    with kept_database(data) as (given, embedded):
        settings, keys = (_for_trying(given, port), data / "demo.env") if demo else (given, None)
        _serve(settings, "127.0.0.1", port, data=data, demo_keys=keys, embedded=embedded)


@cli.command(name="serve")
def serve_command(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Migrate the database at DATABASE_URL, load the shipped plans, and serve, as a container does."""
    _serve(given_database(), host, port)


@cli.command()
def migrate(data: Data = Path(".heliodesk")) -> None:
    """Migrate a database to the newest schema: the one at DATABASE_URL, or that of `heliodesk up`."""
    with database(data, shared=True) as settings:
        asyncio.run(require_fit(settings.database_url))
        upgrade(settings.database_url)


@cli.command()
def admin_key(data: Data = Path(".heliodesk")) -> None:
    """Create another admin key and print it. `heliodesk up` may be running."""
    with database(data, shared=True) as settings:
        print(asyncio.run(_add_admin_key(settings)))


@cli.command(name="demo")
def demo_command(data: Data = Path(".heliodesk")) -> None:
    """Create the demo account. `heliodesk up` may be running."""
    with database(data, shared=True) as settings:
        _make_ready(settings, data, data / "demo.env")


@cli.command(name="check")
def check_command(
    data: Data = Path(".heliodesk"),
    account: Annotated[str | None, typer.Option(help="Only the tickets of this account")] = None,
    ticket: Annotated[str | None, typer.Option(help="Only this ticket")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=INSTANTS, help="Only tickets changed since then (UTC by default)")
    ] = None,
    zoneinfo: Annotated[
        Path | None,
        typer.Option(help="Show what these compiled time zones would move (/usr/share/zoneinfo, a tzdata package)"),
    ] = None,
) -> None:
    """Replay tickets from their history and print each difference from the database. The service may be running.

    It also lists the running deadlines that the time-zone database in force (or another one) would time differently,
    and those that lie after the last known holiday: none of these moves by itself. It only reads. The exit
    code is 1 when there is a difference.
    """
    outlook = Outlook(database_in(zoneinfo) if zoneinfo else IN_FORCE)
    with database(data, shared=True) as settings:
        checked = asyncio.run(check(settings, Scope(account, ticket, as_utc(since)), faults, outlook))
    print(checked)
    if checked.findings:
        raise typer.Exit(1)


@cli.command()
def openapi(
    *, check: Annotated[bool, typer.Option("--check", help="Fail when a file differs from the code")] = False
) -> None:
    """Generate from the code what openapi/ and docs/ say of it, or check that it is up to date.

    These are the OpenAPI document, the schema of plan documents, and the tables of scopes and settings.
    """
    document = create_app(Settings(database_url="postgresql://")).openapi()
    form = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    written = {
        Path("openapi/openapi.json"): orjson.dumps(document, option=form),
        Path("openapi/plan.schema.json"): orjson.dumps(json_schema(), option=form),
        **_with_table(Path("docs/keys.md"), _SCOPES, scopes_table(document)),
        **_with_table(Path("docs/configuration.md"), _SETTINGS, settings_table()),
    }
    for name, text in written.items():
        file = _ROOT / name
        if not check:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text)
        elif not file.exists() or file.read_bytes() != text:
            sys.exit(f"heliodesk: {name} is not what the code says: run `make openapi`")


def _with_table(page: Path, place: re.Pattern[str], table: str) -> dict[Path, bytes]:
    """A page of docs/ with this table in its place."""
    return {page: place.sub(lambda _: f"{table}\n", (_ROOT / page).read_text(encoding="utf-8")).encode()}


def _for_trying(settings: Settings, port: int) -> Settings:
    """Settings for a demo on this port, as far as the operator has not said otherwise.

    Webhooks reach a receiver on this machine, and messages and customers' links lead to the demo.
    """
    wanted = {"allow_networks": list(_LOOPBACK), "public_url": AnyHttpUrl(f"http://127.0.0.1:{port}")}
    return settings.model_copy(
        update={name: value for name, value in wanted.items() if name not in settings.model_fields_set}
    )


def _serve(
    settings: Settings,
    host: str,
    port: int,
    *,
    data: Path | None = None,
    demo_keys: Path | None = None,
    embedded: Watched | None = None,
) -> None:
    configure_logging(settings)
    check_kinds(settings)
    channels.configured(settings)  # what is wrong there is told now, not by each process that serves
    meet.credentials(settings)
    with listen(host, port) as listening:
        _make_ready(settings, data, demo_keys, port)
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if demo_keys:
            keep_url(demo_keys, url)
        loopback = demo_keys is not None and is_local("localhost", settings.allow_networks)
        print(banner(url, data if embedded else None, demo_keys, loopback=loopback), flush=True)
        _serve_demo_host(url, port + 1, demo_keys)
        trusted = in_both_forms(settings.trusted_proxies)
        application, limits = partial(create_app, settings, embedded), ConnectionLimits.of(settings)
        serve(application, listening, limits, workers=settings.workers, trusted=trusted)


def _serve_demo_host(url: str, port: int, demo_keys: Path | None) -> None:
    """Serve the demo's host page on a port of its own, where there is a demo."""
    kept = kept_keys(demo_keys) if demo_keys else {}
    if "WIDGET_KEY" not in kept:
        return
    served = serve_host(port, url, Widget(kept["WIDGET_KEY"], kept["WIDGET_SECRET"]))
    where = f"http://127.0.0.1:{port}{PATH}"
    print(f"A page with the help widget: {where}" if served else f"Port {port} is taken: no page for the help widget")
    sys.stdout.flush()


def _make_ready(settings: Settings, data: Path | None, demo_keys: Path | None, port: int | None = None) -> None:
    asyncio.run(require_fit(settings.database_url))
    upgrade(settings.database_url)
    asyncio.run(_prepare(settings, data, demo_keys))
    if demo_keys and port:
        asyncio.run(_prepare_widget(settings, demo_keys, port + 1))


async def _prepare_widget(settings: Settings, demo_keys: Path, port: int) -> None:
    """Let the demo's widget key name the page on this port, and `/help`, and keep the key with the others."""
    kept = kept_keys(demo_keys)
    async with open_state(settings, STARTING) as state, transaction(state.sessions) as session:
        widget = await make_widget(session, kept, [*origins_of(port), *origins_of(port - 1)])
    if widget and kept:
        keep_keys(demo_keys, kept | widget.variables())


async def _prepare(settings: Settings, data: Path | None, demo_keys: Path | None) -> None:
    """Fill a migrated database with what every start needs, and print the keys that are made.

    With ``demo_keys`` there is a demo account, whose keys are kept in that file for the owner alone, beside an admin's.
    """
    async with open_state(settings, STARTING) as state:
        await refresh_subscriptions(state.sessions)
        async with transaction(state.sessions) as session:
            now = await clock.database_now(session)
            await load_builtin(session, now)
            await leave_behind(session)
            admin_key = await bootstrap_admin_key(session, settings.admin_key, now=now)
            demo = await make_demo(session, now=now) if demo_keys else None
            demo_admin_key = (admin_key or await add_admin_key(session, now=now)) if demo else None
    if admin_key:
        print(f"Admin key, shown once: {admin_key}")
    elif not settings.admin_key and data:
        print(f"The admin key was shown at the first start. Another one:  {admin_key_command(data)}")
    elif not settings.admin_key:
        print("The admin key was shown at the first start (`heliodesk admin-key` makes another)")
    if demo and demo_keys:
        keep_keys(demo_keys, demo.variables() | {"ADMIN_KEY": str(demo_admin_key)})
        print(f"Demo account, also in {demo_keys} with the address and an admin key:")
        print("".join(f"{name}={value}\n" for name, value in demo.variables().items()), end="")
    elif demo_keys:
        print(f"The demo account's keys are in {demo_keys}")


async def _add_admin_key(settings: Settings) -> str:
    await require_fit(settings.database_url)
    async with open_state(settings, STARTING) as state, transaction(state.sessions) as session:
        return await add_admin_key(session, now=await clock.database_now(session))
