"""The programs of the README run as they are written: HELIODESK_URL and HELIODESK_KEY say where."""

import re
import runpy
from pathlib import Path
from typing import Final

import pytest
from signing import SECRET, example, signed

README: Final = Path(__file__).parents[1] / "README.md"
BLOCK: Final = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_what_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "readme.py"
    program.write_text("\n".join(BLOCK.findall(README.read_text())))
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    made = runpy.run_path(str(program), run_name="__main__")
    printed = capsys.readouterr().out
    assert f"{made['ticket'].number} Checkout is down new" in printed
    assert "There is no such ticket; req_" in printed
    assert " ticket.opened " in printed

    body, headers = signed(example("deadline.missed"))
    assert made["receive"](body, headers) == 204
    assert "missed first_response at 2026-11-20 20:45:00+00:00" in capsys.readouterr().out
    assert made["receive"](body + b" ", headers) == 400
    made["desk"].close()
