"""``heliodesk articles`` as a person runs it."""

import asyncio
from pathlib import Path

from typer.testing import CliRunner

from app.articles.files import file_name, written
from app.articles.schemas import NewArticle
from app.cli.articles import articles
from app.core.db.engine import Sessions
from tests.support.articles import BACKUP, PDF
from tests.support.desk import fetch


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
    code, printed = await run(database, "import", str(tmp_path))
    assert code == 1
    assert [line.split(": ")[0].rpartition("/")[2] for line in printed] == ["b.en.md", "b.en.md", "c.en.md"]
    assert await fetch(sessions, "SELECT FROM articles") == []
