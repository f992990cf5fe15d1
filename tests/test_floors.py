"""Each table belongs to a feature, and SQL follows the order of the house: a statement reads what is below.

Imports are held to that order by import-linter; the text of a statement is not, so it is read here.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from app.models import metadata
from tests.support.trees import ROOT, trees

TABLES: Final = "|".join(sorted(metadata.tables, key=len, reverse=True))
NAMED: Final = re.compile(
    rf"\b(?:FROM|JOIN|UPDATE|INTO|TABLE|USING|ONLY)\s+({TABLES})\b|,\s+({TABLES}) AS\b|'({TABLES})'::reg"
)


def features() -> dict[str, int]:
    """The floor of each feature: 0 is the lowest."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["app"])
    return {name: floor for floor, layer in enumerate(reversed(layers)) for name in layer.split(" | ")}


def owners() -> dict[str, str]:
    """The feature of each table: the one whose models declare it."""
    declared = re.compile(r'^    __tablename__ = "(\w+)"$', re.MULTILINE)
    return {
        table: path.relative_to(ROOT).parts[1]
        for path in (ROOT / "app").rglob("models.py")
        for table in declared.findall(path.read_text())
    }


def statements(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that may be SQL: all but docstrings."""
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def reads(tree: ast.Module) -> set[str]:
    """The tables that a module's statements name."""
    return {name for text in statements(tree) for found in NAMED.findall(text) for name in found if name}


FLOORS: Final = features()
OWNERS: Final = owners()
ALLOWED: Final = {
    (
        "accounts/principals.py",
        "engineers",
    ): "a key is checked, and its engineer is read, in one statement",
    ("accounts/usecases/customers.py", "engineers"): "an account names engineers, who may not be made up",
    ("accounts/usecases/customers.py", "regions"): "an account names a region, which may not be made up",
    ("accounts/usecases/keys.py", "engineers"): "a key names the engineer that it stands for",
    ("accounts/usecases/keys.py", "hooks"): "a key names the hook that it may send to",
    ("notices/outbox/claims.py", "calls"): "a message has the link of the call as it is when the message is sent",
    (
        "notices/outbox/filling.py",
        "engineers",
    ): "a letter to an expert goes to the address of that moment",
    ("notices/outbox/filling.py", "notification_rules"): "who is paged by rules gets no letter beside them",
    ("notices/outbox/claims.py", "tickets"): "a message shows the ticket as it is when the message is sent",
    ("paging/queue.py", "alerts"): "a page is not sent once its alert has been answered",
    ("paging/queue.py", "engineers"): "a page is written in the engineer's language and zone",
    ("paging/quotas.py", "engineers"): "of an account's quota, what its sandbox's engineers use is counted",
    ("tickets/read/problems.py", "problem_tickets"): "a ticket is read with the problem behind it",
    ("tickets/read/problems.py", "problems"): "a ticket is read with the problem behind it",
    ("roster/usecases/regions.py", "tickets"): "a region to which tickets are locked is not removed",
    ("roster/wakes.py", "tickets"): "after a change of the roster, tickets with an expert are staffed anew",
    (
        "webhooks/outbox/claims.py",
        "tickets",
    ): "a message to a chat shows the ticket as it is when it is sent",
}
"""By module and table, why a statement reads upward: each time it saves a round trip, or is a check."""


def upward(trees: Mapping[str, ast.Module]) -> set[tuple[str, str]]:
    """Which module's statements name a table of a higher floor, or of another feature on the same one."""
    return {
        (path.removeprefix("app/"), table)
        for path, tree in trees.items()
        if path.count("/") > 1
        for feature in [path.split("/")[1]]
        for table in reads(tree)
        if OWNERS[table] != feature and FLOORS[OWNERS[table]] >= FLOORS[feature]
    }


def test_every_table_belongs_to_a_feature() -> None:
    assert set(OWNERS) == set(metadata.tables)
    assert set(OWNERS.values()) <= set(FLOORS)


def test_statements_read_only_tables_of_their_own_floor_or_below() -> None:
    assert upward(trees("app")) == set(ALLOWED)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT 1 FROM tickets", True),
        ("SELECT 1 FROM events AS e, tickets AS t", True),
        ("SELECT 1 FROM events AS e LEFT JOIN tickets AS t ON true", True),
        ("INSERT INTO tickets (id) VALUES (1)", True),
        ("UPDATE tickets AS t SET id = 1", True),
        ("SELECT 'tickets'::regclass", True),
        ("SELECT tickets FROM events", False),
        ("what comes from tickets", False),
    ],
)
def test_a_statement_that_reads_upward_is_found(statement: str, *, found: bool) -> None:
    tree = ast.parse(f"_READ = f{statement!r}")
    assert (("webhooks/queries.py", "tickets") in upward({"app/webhooks/queries.py": tree})) is found
