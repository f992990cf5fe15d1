"""The source of earlier commits, for tests of what they have left in a database."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.service import ROOT

_MAIN_LINE = ("--first-parent", "--diff-merges=first-parent", "--no-patch")
"""What was merged has come at once, whatever its own history."""


def git(*arguments: str) -> bytes:
    """What git prints about this checkout."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True).stdout  # noqa: S607


def previous_commit() -> str:
    """The commit on which this tree builds: HEAD while there are uncommitted changes to the source, else its parent.

    Without the history (an archive, a shallow clone) the test is skipped; in CI, where it has to be there, it fails.
    """
    try:
        changed = git("status", "--porcelain", "--", "app", "migrations")
        return git("rev-parse", "--verify", "HEAD" if changed else "HEAD~1").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("CI") == "true":
            pytest.fail("The history of the source is needed: clone it whole")
        pytest.skip("The history of the source is not here")


def before_the_newest_migration() -> str:
    """The commit before the one that added the newest migration; the previous one while there is no such commit."""
    previous = previous_commit()
    _, *later = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    newest = str(later[-1].relative_to(ROOT)) if later else ""
    added = (
        git("log", *_MAIN_LINE, "--diff-filter=A", "--format=%H", "-1", "--", newest).decode().strip() if newest else ""
    )
    return git("rev-parse", f"{added}~1").decode().strip() if added else previous


def extract(commit: str, folder: Path) -> None:
    """Write the source of a commit into a folder."""
    archive = git("archive", commit, "app", "migrations", "alembic.ini", "pyproject.toml")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([shutil.which("tar") or "tar", "-x", "-C", folder], input=archive, check=True)
