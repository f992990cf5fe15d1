"""The rules of the house that no linter checks."""

import ast
import asyncio
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from statistics import median, quantiles

import asyncpg
import pytest
from alembic import command
from importlinter.cli import lint_imports
from sqlalchemy import Table, UniqueConstraint, text

from app.core.db import pool
from app.core.db.engine import make_engine
from app.core.db.migrate import DatabaseUnfit, configuration, upgrade
from app.core.db.pool import Limits
from app.models import metadata
from tests.support.database import new_database
from tests.support.trees import ROOT, trees

SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted((ROOT / "app").rglob("*.py"))}
ALEMBIC = (sys.executable, "-m", "alembic", "-x")
READS_TIME = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic|perf_counter))(_ns)?\b")

REFERENCE_TABLES = {
    "article_texts",  # an article serves all accounts
    "article_versions",
    "article_votes",
    "article_words",
    "articles",
    "alert_links",  # looked up before their account is known
    "api_keys",  # looked up before its account is known
    "calendar_tokens",  # of engineers and regions
    "contact_methods",  # of engineers
    "engineers",  # serve many accounts
    "event_consumers",  # of all accounts
    "expert_holds",  # a hold spans accounts
    "feed_marks",  # of all accounts
    "guest_mails",  # a mailbox is one for all accounts
    "holiday_sets",
    "incident_words",  # of all accounts
    "installations",  # the whole database's
    "notification_rules",  # of engineers
    "plan_versions",
    "postponed_events",  # of all accounts
    "problems",  # span accounts
    "rate_levels",  # of keys, accounts and addresses
    "regions",
    "shift_overrides",  # of engineers
    "stream_tokens",  # looked up before their account is known
    "tam_digests",  # of all of a manager's accounts
    "webhook_endpoints",  # an operator's hear all accounts
}

# What there is in the current schema, one line each, by what PostgreSQL itself says of it.
CATALOGUE = text("""
    SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), l.collname,
                     CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid), a.attidentity)
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT concat_ws(' ', relname, reloptions::text)
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', objoid::regclass, objsubid, description)
      FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid IN
           (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
""")


def _functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name, tree in trees("app").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.lineno} {node.name}", node


def test_imports_follow_the_order_of_the_house() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0


def test_whatever_calls_itself_pure_is_in_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = (contract["source_modules"] for contract in contracts if contract["type"] == "forbidden")
    says = re.compile(r"\b(Pure|PURE)\b")
    modules = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name, tree in trees("app").items()
        if says.search((ast.get_docstring(tree) or "").partition("\n\n")[0])
    }
    assert {one for one in modules if not any(one == each or one.startswith(f"{each}.") for each in pure)} == set()


def test_functions_are_short() -> None:
    lengths = {name: (node.end_lineno or node.lineno) - node.lineno + 1 for name, node in _functions()}
    assert not {name: length for name, length in lengths.items() if length > 60}
    assert quantiles(lengths.values(), n=10)[-1] < 30
    assert median(lengths.values()) <= 12


def test_files_are_short() -> None:
    lengths = {name: source.count("\n") for name, source in SOURCES.items()}
    assert not {name: length for name, length in lengths.items() if length > 400}
    assert quantiles(lengths.values(), n=10)[-1] < 250


def test_rooms_are_small() -> None:
    modules = Counter(name.rpartition("/")[0] for name in SOURCES if not name.endswith("/__init__.py"))
    assert not {room: number for room, number in modules.items() if number > 14}


def test_only_one_module_commits() -> None:
    assert [name for name, source in SOURCES.items() if ".commit(" in source] == ["app/core/db/session.py"]


def test_only_one_module_waits_for_advisory_locks() -> None:
    """So that a process waits for each of them with at most two connections, and not for ever."""
    waiting = re.compile(r"\bpg_advisory_(xact_)?lock")
    assert [name for name, source in SOURCES.items() if waiting.search(source)] == ["app/core/db/locks.py"]


def test_only_one_module_reads_the_time() -> None:
    without_ours = {name: source.replace("clock.", "") for name, source in SOURCES.items()}
    assert [name for name, source in without_ours.items() if READS_TIME.search(source)] == ["app/core/clock.py"]


def test_only_one_module_makes_clients_for_outgoing_calls() -> None:
    """So that all of them go through the wall that vets addresses. Mail goes to the operator's own server."""
    client = re.compile(
        r"\b(AsyncClient|ClientSession|TCPConnector|httpx\.Client|create_connection|open_connection|PoolManager)\("
        r"|\bhttpx\.(get|post|put|patch|delete|head|options|request|stream)\(|\baiohttp\.request\("
        r"|^(import|from) (requests|urllib3|urllib\.request|http\.client|pycurl|websockets?)\b",
        re.MULTILINE,
    )
    assert [name for name, source in SOURCES.items() if client.search(source)] == ["app/core/outgoing/connector.py"]


def test_zones_are_never_the_operating_systems() -> None:
    by_name = re.compile(r"\bZoneInfo\(|\bavailable_timezones\b|\bastimezone\(\)|AT TIME ZONE")
    assert [name for name, source in SOURCES.items() if by_name.search(source)] == []
    from_files = [name for name, source in SOURCES.items() if "ZoneInfo.from_file(" in source]
    assert from_files == ["app/core/zones.py"]


def test_no_group_is_repeated_possessively() -> None:
    """Python before 3.11.5 matches ``(...)*+`` wrongly (gh-106052); ``(?>(...)*)`` says the same."""
    possessive = re.compile(r"[^(\\]\)(?:[*+?]|\{+[0-9,]+\}+)\+")
    assert [name for name, source in SOURCES.items() if possessive.search(source)] == []


def test_what_operations_share_is_declared_by_the_kit_alone() -> None:
    """``core/web/kit``: so that no router says again what a repeated or conditional request is answered."""
    shared = re.compile(
        r"\b(RequestInFlight|IdempotencyMismatch|PreconditionFailed|IDEMPOTENT|IF_MATCH|check_if_match)\b"
    )
    elsewhere = [name for name, source in SOURCES.items() if shared.search(source) and not name.startswith("app/core/")]
    assert elsewhere == []


def test_imports_stand_at_the_top() -> None:
    local = [
        name for name, node in _functions() for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom)
    ]
    assert local == []


def test_what_is_public_is_documented() -> None:
    undocumented = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees("app").items()
        for scope in ast.walk(tree)
        if isinstance(scope, ast.Module) or (isinstance(scope, ast.ClassDef) and not scope.name.startswith("_"))
        for node in scope.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert undocumented == []


def test_what_is_private_is_used() -> None:
    """A check or a reader that no table lists does nothing."""
    unused = []
    for name, tree in trees("app").items():
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        unused += [
            f"{name}:{node.lineno} {node.name}"
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.decorator_list
            if re.match("_[a-z]", node.name, re.IGNORECASE) and node.name not in read
        ]
    assert unused == []


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_key_begins_with_the_account(table: Table) -> None:
    """So that the tables can be distributed by account, and no query finds another account's row by its id."""
    if table.name in REFERENCE_TABLES:
        assert not table.foreign_key_constraints
        return
    uniques = [part for part in table.constraints if isinstance(part, UniqueConstraint)]
    keys = [table.primary_key, *table.foreign_key_constraints, *uniques]
    firsts = [next(iter(key.columns)).name for key in keys]
    firsts += [next(iter(index.columns)).name for index in table.indexes if index.unique]
    assert set(firsts) == {"account_id"}


async def _catalogue(url: str, *, create: bool = False) -> set[str]:
    engine = make_engine(url, pool_size=1)
    async with engine.begin() as connection:
        if create:
            await connection.run_sync(metadata.create_all)
        rows = set((await connection.execute(CATALOGUE)).scalars())
    await engine.dispose()
    return {row for row in rows if "alembic_version" not in row}


async def test_migrations_make_what_the_models_say(server: str, own_database: str) -> None:
    async with new_database(server) as created:
        assert await _catalogue(own_database) == await _catalogue(created, create=True)
    await asyncio.to_thread(command.check, configuration(own_database))


async def test_migrations_go_down_to_nothing_and_up_again(own_database: str) -> None:
    before = await _catalogue(own_database)
    await asyncio.to_thread(command.downgrade, configuration(own_database), "base")
    assert await _catalogue(own_database) == set()
    await asyncio.to_thread(command.upgrade, configuration(own_database), "head")
    assert await _catalogue(own_database) == before


async def test_a_migration_gives_up_where_others_hold_what_it_changes(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it waits, everybody else waits behind it; here for a tenth of its patience."""
    other = await asyncpg.connect(own_database)
    async with other.transaction():
        await other.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        with monkeypatch.context() as patch:  # the environment of the migrations is read anew each time
            patch.setattr(pool, "Limits", lambda lock: Limits(lock=lock / 10))
            with pytest.raises(DatabaseUnfit, match="A transaction holds what a migration changes"):
                await asyncio.to_thread(upgrade, own_database)
    await other.close()
    await asyncio.to_thread(upgrade, own_database)


async def test_two_migrations_at_once_wait_for_each_other(server: str) -> None:
    async with new_database(server) as url:
        both = [asyncio.create_subprocess_exec(*ALEMBIC, f"url={url}", "upgrade", "head", cwd=ROOT) for _ in "ab"]
        processes = await asyncio.gather(*both)
        assert [await process.wait() for process in processes] == [0, 0]
