"""``docs/architecture.md`` tells what there is: each hop from a P1 to its webhook exists, and they go down only."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
TEXT: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


class Hop(NamedTuple):
    """A file, and what is called in it: a function, or a class and its method."""

    path: str
    name: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def tree(self) -> ast.Module:
        return ast.parse((ROOT / self.path).read_text())


HOPS: Final = [
    Hop(*found) for found in re.findall(r"^\| \d+ \| `(app/[\w/]+\.py)` \| `([\w.]+)` \|", TEXT, re.MULTILINE)
]


def floors(container: str) -> dict[str, int]:
    """How far down each member of a container stands; nothing where it has no rooms."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers: list[str] = next((each["layers"] for each in contracts if each.get("containers") == [container]), [])
    return {name: depth for depth, layer in enumerate(layers) for name in layer.split(" | ")}


def depth(hop: Hop) -> tuple[int, int]:
    """How far down a hop stands: its feature in the house, its room in the feature."""
    _, feature, *rest = hop.module.split(".")
    return floors("app")[feature], floors(f"app.{feature}")[rest[0]] if rest else 0


def imported(hop: Hop) -> set[str]:
    """The modules that a hop's file imports, or imports something from."""
    imports = [node for node in ast.walk(hop.tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {f"{node.module}.{alias.name}" for node in imports for alias in node.names} | {
        str(n.module) for n in imports
    }


def test_a_newcomer_reads_at_most_twenty_files() -> None:
    assert 10 < len({hop.path for hop in HOPS}) <= 20


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: f"{hop.path}:{hop.name}")
def test_each_hop_exists(hop: Hop) -> None:
    scope: list[ast.stmt] = hop.tree.body
    for part in hop.name.split("."):
        named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        (found,) = (node for node in scope if isinstance(node, named) and node.name == part)
        scope = found.body


def test_hops_go_down_only() -> None:
    depths = [depth(hop) for hop in HOPS]
    assert depths == sorted(depths)


def test_each_hop_is_imported_by_one_before_it() -> None:
    reached: set[str] = {HOPS[0].module}
    for hop in HOPS:
        assert hop.module in reached, hop
        reached |= imported(hop)


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_files_that_documents_and_code_name_exist() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), named)
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "app").rglob("*.py")]
        for named in re.findall(r"`((?:app|tests|bench|migrations)/[\w/]+\.(?:py|html|css))`", path.read_text())
    }
    assert found
    assert {(where, named) for where, named in found if not (ROOT / named).exists()} == set()
