"""The syntax trees of the project's own code, for the rules that no linter checks."""

import ast
import gc
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@cache
def trees(folder: str) -> Mapping[str, ast.Module]:
    """The tree of each Python file below a folder of the project, by its path from the project's root.

    They are parsed when a test first asks for them: the run would else take seconds more before its first test. They
    live until its end: garbage collection, which would go through them while they are made, leaves them out.
    """
    gc.disable()
    try:
        paths = sorted((ROOT / folder).rglob("*.py"))
        return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in paths}
    finally:
        gc.freeze()
        gc.enable()
