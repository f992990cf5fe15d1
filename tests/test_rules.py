"""Every rule that is named by a code is stated in ``docs/rules.md``, is tested, and stays inside the project."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from orjson import loads
from typer.main import get_command

from app.cli.main import cli
from tests.support.trees import ROOT, trees

RULES: Final = (ROOT / "docs/rules.md").read_text()
PYTHON: Final = [*sorted((ROOT / "app").rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]
LISTS: Final = {ROOT / "docs/rules.md", ROOT / "docs/rows.md"}
"""The rules, and the rows of the programmes, of which some are not kept yet."""
PROSE: Final = [path for path in sorted((ROOT / "docs").rglob("*.md")) if path not in LISTS]
TEXTS: Final = [
    path
    for path in sorted((ROOT / "app").rglob("*"))
    if path.suffix in {".yaml", ".yml", ".po", ".pot", ".html", ".css", ".js", ".json", ".txt", ".md", ".sql"}
]
"""What ships beside the code."""

CODE: Final = re.compile(
    r"(?:(?<![\w./`-])|(?<=[A-Z]\d-)|(?<=[A-Z]\d\d-))([A-OQ-Z][0-9]{1,2})(?![\w`]|:\d|-(?![A-Z]\d))"
)
"""A rule's code in prose, also at either end of a range. A P with a number is a priority, and T10:00 a time."""
LIKE_A_CODE: Final = re.compile(r"[A-Z][0-9]")
"""What a file that mentions no rule lacks: most of them, and to take them all apart takes long."""
IN_NAME: Final = re.compile(r"(?<=_)(c\d\d|[gnwz]\d{1,2})(?=_)")
"""A rule's code in the name of a test."""
SHOWN: Final = re.compile(r"(?<![\w./-])[A-Z][0-9]{1,2}(?![\w-])")
"""What looks like a rule's code in a text for others."""
ROW: Final = re.compile(r"^\| ([A-Z]\d{1,2}) \| (.+?) \| (.+?) \|$", re.MULTILINE)
DEFINED: Final = {code: (rule, re.findall(r"`(test_\w+)`", tests)) for code, rule, tests in ROW.findall(RULES)}
TESTS: Final = {
    name
    for path in PYTHON
    if path.is_relative_to(ROOT / "tests")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}


def _comments(source: str) -> Iterator[str]:
    """The comments of a file, if one of its lines may have a code in one: to take all files apart takes long."""
    if not any(CODE.search(line.partition("#")[2]) for line in source.splitlines()):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def _remarks(nodes: Iterable[ast.AST]) -> set[ast.Constant]:
    """The docstrings, those of attributes too, and the comments of columns: what only developers read."""
    found = {
        node.value
        for node in nodes
        if isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg == "comment")
    }
    return {node for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _sources(paths: Iterable[Path]) -> Iterator[tuple[Path, str, list[ast.AST]]]:
    """The files that have what looks like a code, each with its text and its syntax."""
    for path in paths:
        source, name = path.read_text(), path.relative_to(ROOT)
        if LIKE_A_CODE.search(source):
            yield path, source, list(ast.walk(trees(name.parts[0])[name.as_posix()]))


def _mentioned() -> Iterator[tuple[str, Path]]:
    """Each code with where it stands."""
    for path, source, nodes in _sources(PYTHON):
        for text in (*(str(node.value) for node in _remarks(nodes)), *_comments(source)):
            yield from ((code, path) for code in CODE.findall(text))
    for path in PROSE:
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(), flags=re.DOTALL)
        yield from ((code, path) for code in CODE.findall(prose))
    for path in TEXTS:
        yield from ((code, path) for line in _yaml_comments(path) for code in CODE.findall(line))
    for name in TESTS:
        yield from ((code.upper(), Path(name)) for code in IN_NAME.findall(name))


def _yaml_comments(path: Path) -> list[str]:
    return re.findall(r"(?:^|\s)#(.*)$", path.read_text(), re.MULTILINE) if path.suffix == ".yaml" else []


def test_every_code_is_defined() -> None:
    assert {(code, path.name) for code, path in _mentioned() if code not in DEFINED} == set()


def test_every_rule_is_a_sentence_with_tests_of_its_name() -> None:
    assert {code for code, (rule, _) in DEFINED.items() if not re.fullmatch(r"[A-Z].+\.", rule)} == set()
    assert {code for code, (_, tests) in DEFINED.items() if not tests} == set()
    named = {(code, name) for code, (_, tests) in DEFINED.items() for name in tests}
    assert {name for _, name in named if name not in TESTS} == set()
    assert {(code, name) for code, name in named if code.lower() not in IN_NAME.findall(name)} == set()


def test_no_code_is_defined_twice() -> None:
    codes = [code for code, *_ in ROW.findall(RULES)]
    assert sorted(set(codes)) == sorted(codes)
    assert {f"C{number:02}" for number in range(1, 21)} <= set(codes)


def test_every_invariant_of_the_clock_has_a_test_of_its_number() -> None:
    names = re.findall(r"def test_(\d+)_", (ROOT / "tests/sla/test_invariants.py").read_text())
    assert set(re.findall(r"^\| (\d+) \| [A-Z].+\. \|$", RULES, re.MULTILINE)) == set(names)


def _strings(value: Any) -> Iterator[str]:
    """All texts of a JSON document, the names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value:
            yield from _strings(each)
        if isinstance(value, dict):
            yield from _strings(list(value.values()))


def _codes(texts: Iterator[str]) -> list[tuple[str, str]]:
    """The texts that show the code of a defined rule, each with that code."""
    return [(code, text) for text in texts for code in SHOWN.findall(text) if code in DEFINED]


@pytest.mark.parametrize("name", ["openapi.json", "plan.schema.json"])
def test_the_published_documents_show_no_code(name: str) -> None:
    assert _codes(_strings(loads((ROOT / "openapi" / name).read_bytes()))) == []


def test_what_the_code_says_to_others_shows_no_code() -> None:
    """Answers, problems, events, notices and printed lines are made of string literals and of the files beside them."""
    found = {}
    for path, _, nodes in _sources(path for path in PYTHON if path.is_relative_to(ROOT / "app")):
        constants = {node for node in nodes if isinstance(node, ast.Constant)} - _remarks(nodes)
        found[path.as_posix()] = _codes(node.value for node in constants if isinstance(node.value, str))
    for path in TEXTS:
        spoken = re.sub(r"(?:^|(?<=\s))#.*$", "", path.read_text(), flags=re.MULTILINE)
        found[path.as_posix()] = _codes(iter(spoken.splitlines()))
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_the_help_of_the_commands_shows_no_code() -> None:
    def helps(command: Any) -> Iterator[str]:
        yield command.help or ""
        yield from (getattr(parameter, "help", None) or "" for parameter in command.params)
        for each in getattr(command, "commands", {}).values():
            yield from helps(each)

    texts = list(helps(get_command(cli)))
    assert len(texts) > 20
    assert _codes(iter(texts)) == []
