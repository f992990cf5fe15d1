"""``heliodesk articles`` as a person runs it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from typer.testing import CliRunner

from app.articles.files import file_name, written
from app.articles.schemas import NewArticle
from app.cli.commands.articles import articles
from app.core.db.engine import Sessions
from tests.support.articles import BACKUP, PDF
from tests.support.desk import fetch
from tests.support.service import ROOT


async def run(database: str, *arguments: str) -> tuple[int, list[str]]:
    """The exit code, and the lines that are printed."""
    invoke = CliRunner(env={"DATABASE_URL": database}).invoke
    done = await asyncio.to_thread(invoke, articles, arguments)
    return done.exit_code, done.output.splitlines()


async def test_a_folder_is_imported_once_and_exported_as_it_was(
    database: str, sessions: Sessions, tmp_path: Path
) -> None:
    for said in (PDF, BACKUP):
        article = NewArticle.model_validate(said)
        (tmp_path / file_name(article)).write_text(written(article), encoding="utf-8")
    folder, other = str(tmp_path), tmp_path / "out"
    created = ["blad-lacznosci.pl.md: created", "pdf-falla.es.md: created"]
    dry = [*created, "2 created, 0 changed, 0 unchanged (dry run: nothing is written)"]
    assert await run(database, "import", folder, "--dry-run") == (0, dry)
    assert await fetch(sessions, "SELECT FROM articles") == []
    assert await run(database, "import", folder) == (0, [*created, "2 created, 0 changed, 0 unchanged"])
    assert await run(database, "export", str(other)) == (0, ["2 articles"])
    assert {file.name: file.read_text() for file in other.iterdir()} == {
        file.name: file.read_text() for file in tmp_path.glob("*.md")
    }
    file = tmp_path / "pdf-falla.es.md"
    file.write_text(file.read_text().replace("200", "300"))
    changed = ["pdf-falla.es.md: changed", "0 created, 1 changed, 1 unchanged"]
    assert await run(database, "import", folder) == (0, changed)
    assert await run(database, "import", folder) == (0, ["0 created, 0 changed, 2 unchanged"])


async def test_nothing_is_written_where_a_file_is_wrong(database: str, sessions: Sessions, tmp_path: Path) -> None:
    (tmp_path / "a.en.md").write_text("---\ntitle: A\n---\n\nText.")
    (tmp_path / "b.en.md").write_text("---\naudience: all\n---\n\nText.")
    (tmp_path / "c.en.md").write_bytes(b"\xff")
    (tmp_path / "d.es-MX.md").write_text("\ufeff---\ntitle: D\n---\n\nText.")
    (tmp_path / "d.es-mx.md").write_text("---\ntitle: D\n---\n\nText.")
    (tmp_path / "e.en.md").mkdir()
    os.mkfifo(tmp_path / "f.en.md")
    (tmp_path / "g.en.md").symlink_to("/dev/zero")
    (tmp_path / "h.en.md").symlink_to("nowhere")
    (tmp_path / "i.en.md").symlink_to(Path(__file__))
    (tmp_path / "j.en.md").write_text("---\ntitle: J\n---\n" + "x" * 500_000)
    code, printed = await run(database, "import", str(tmp_path))
    assert code == 1
    faults = [line.removeprefix(f"{tmp_path}/") for line in printed]
    assert [fault.partition(": ")[0] for fault in faults[:2]] == ["b.en.md", "b.en.md"]
    assert faults[2:] == [
        "c.en.md: this is not UTF-8 text",
        "d.es-mx.md: this is the same article as d.es-MX.md",
        *(f"{name}.en.md: this is not a file of the folder" for name in "efghi"),
        "j.en.md: this is larger than 500,000 bytes",
    ]
    assert await fetch(sessions, "SELECT FROM articles") == []


_INTERRUPTED: Final = """
import signal, sys
from app.cli.commands import articles
from app.cli.main import main

once = articles.import_articles

async def interrupted(session, files, *rest, **options):
    if files[0].slug != "a":
        signal.raise_signal(signal.SIGINT)
    return await once(session, files, *rest, **options)

articles.import_articles, articles._AT_ONCE = interrupted, 1
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["heliodesk", "articles", "import", *sys.argv[1:]]
main()
"""


async def test_a_ctrl_c_is_told_in_a_line_and_what_was_done_stays(
    database: str, sessions: Sessions, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.en.md").write_text(f"---\ntitle: {name}\n---\n\nText.")
    command = [sys.executable, "-c", _INTERRUPTED, str(tmp_path)]
    environment = os.environ | {"DATABASE_URL": database}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=ROOT, capture_output=True, check=False, text=True
    )
    told = "Interrupted after 1 created, 0 changed, 0 unchanged: run it again for the rest\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "a.en.md: created\n", told)
    assert len(await fetch(sessions, "SELECT FROM articles")) == 1
    assert (await run(database, "import", str(tmp_path)))[1][-1] == "1 created, 0 changed, 1 unchanged"
