"""The back ends that docs/widget.md shows: what each makes is taken for an identity token."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from app.core.auth import TrustedKey, Widget
from app.core.clock import wall_now
from app.visitors import tokens
from tests.support.identities import SECRET
from tests.support.npm import installed
from tests.support.service import ROOT

PAGE: Final = (ROOT / "docs" / "widget.md").read_text(encoding="utf-8")
KEY: Final = TrustedKey("2026-11", "HS256", SECRET)
_PROGRAMS: Final = {
    "python": (
        "python.py",
        [sys.executable],
        (
            "import os\nfrom types import SimpleNamespace\nSECRET = os.environ['SECRET']\n{sample}\n"
            "print(identity(SimpleNamespace(id=7, email='zoë@example.com', name='Zoë')))"
        ),
    ),
    "js": (
        "node.mjs",
        ["node"],
        (
            "const SECRET = process.env.SECRET;\n{sample}\n"
            "console.log(await identity({{ id: 7, email: 'zoë@example.com', name: 'Zoë' }}));"
        ),
    ),
    "ruby": (
        "ruby.rb",
        ["ruby"],
        (
            "SECRET = ENV['SECRET']\n{sample}\n"
            "puts identity(Struct.new(:id, :email, :name).new(7, 'zoë@example.com', 'Zoë'))"
        ),
    ),
    "php": (
        "php.php",
        ["php"],
        (
            "<?php\ndefine('SECRET', getenv('SECRET'));\n{sample}\n"
            "echo identity((object) ['id' => 7, 'email' => 'zoë@example.com', 'name' => 'Zoë']);"
        ),
    ),
    "go": (
        "main.go",
        ["go", "run"],
        (
            'package main\n\nimport "os"\n\n{sample}\n'
            "type User struct {{\n\tID int\n\tEmail, Name string\n}}\n\n"
            'var SECRET = os.Getenv("SECRET")\n\n'
            'func main() {{\n\ttoken, err := identity(User{{7, "zoë@example.com", "Zoë"}})\n'
            "\tif err != nil {{\n\t\tpanic(err)\n\t}}\n\tfmt.Println(token)\n}}\n"
        ),
    ),
}
"""By the language of a block: a file, what runs it, and the program around the sample."""
_LACKING: Final = re.compile("cannot load such file -- jwt")
"""What Ruby says without the gem."""


@pytest.mark.parametrize("language", _PROGRAMS)
def test_what_a_sample_makes_is_an_identity_token(language: str, tmp_path: Path) -> None:
    name, command, around = _PROGRAMS[language]
    [sample] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / name).write_text(around.format(sample=sample), encoding="utf-8")
    if language == "js":
        (tmp_path / "node_modules").symlink_to(installed(ROOT / "tests" / "widget" / "npm"))
    made = _printed(command, tmp_path, name)
    claims = tokens.opened(tokens.read(made), KEY, Widget((), (KEY,)))
    assert (claims.sub, claims.email, claims.name) == ("7", "zoë@example.com", "Zoë")
    assert tokens.check_times(claims, wall_now()) > wall_now()


def _printed(command: list[str], folder: Path, name: str) -> str:
    path = shutil.which(command[0])
    if path is None:
        pytest.skip(f"{command[0]} is not on PATH")
    known: dict[str, Any] = {"LANG": "C.UTF-8", "SECRET": SECRET}
    done = subprocess.run(
        [path, *command[1:], name], cwd=folder, env=os.environ | known, capture_output=True, check=False, timeout=120
    )
    if _LACKING.search(done.stderr.decode()):
        pytest.skip("Ruby has no gem jwt here")
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()
