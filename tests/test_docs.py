"""What the README and the pages of docs/ show works as it is pasted, whatever folder holds the data."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import pytest

from app.core.settings import Settings
from app.plans.document.model import LATER
from tests.support.service import ROOT, Service, running

_MEMBERS: Final = re.compile(r"`(?:HELIODESK_)?([A-Z0-9_]+)`")
_LINK: Final = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)\s]*\)")
_SHELL: Final = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
ELSEWHERE: Final = {
    "CONTRIBUTING.md": "these are the tests themselves",
    "docs/backup.md": "tests/deploy/test_operator_pages.py restores a backup by it",
    "docs/docker.md": "it needs a container engine, and says what has been run",
    "docs/reverse-proxy.md": "it says how to start the service that tests/faults start so",
}
PAGES: Final = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/receivers/*.md")])
    if page.name != "CHANGELOG.md"
}
SHOWING: Final = [name for name, text in PAGES.items() if _SHELL.search(text) and name not in ELSEWHERE]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """``heliodesk up`` with a demo account, whose data are in a folder of their own."""
    with TemporaryDirectory(prefix="heliodesk-docs-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running("up", folder) as service:
            yield service


def printed_by(service: Service, page: str) -> list[Any]:
    """The JSON documents that the shell blocks of a page print, one after the other in one shell at the root."""
    lines = "".join(_SHELL.findall(PAGES[page]))
    data = str(service.output.parent / "data")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HELIODESK_")}
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", lines],
        cwd=ROOT,
        env=plain | {"DATA": data, "no_proxy": "*"},
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    printed = [orjson.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    assert [each for each in printed if "/problems/" in str(each.get("type"))] == []
    return printed


@pytest.mark.parametrize("page", SHOWING)
def test_the_shell_blocks_of_a_page_run_as_they_are_written(service: Service, page: str) -> None:
    PRINTS.get(page, len)(printed_by(service, page))


def _a_life(printed: list[Any]) -> None:
    assert printed[0]["priority"] == "P1"
    types = [event["type"] for event in printed[-1]["items"]]
    assert {"ticket.opened", "deadline.met", "call.ready"} <= set(types)


def _a_sandbox(printed: list[Any]) -> None:
    ticket, moved = printed
    assert {due["metric"]: due["due_at"] for due in ticket["deadlines"]}["resolution"] == "2026-11-20T13:00:00Z"
    missed = [(e["timestamp"], e["data"]["metric"]) for e in moved["events"] if e["type"] == "deadline.missed"]
    assert missed == [
        ("2026-11-20T09:30:00.000000Z", "first_response"),
        ("2026-11-20T13:00:00.000000Z", "resolution"),
    ]


def _an_alert(printed: list[Any]) -> None:
    received, receipts = printed
    (receipt,) = receipts["items"]
    assert (receipt["id"], receipt["state"]) == (received["receipt_id"], "processed")
    assert [done["action"] for done in receipt["tickets"]] == ["opened"]


def _verified_misses(printed: list[Any]) -> None:
    by_curl, moved, *received = printed
    missed = {(e["ticket_id"], e["data"]["metric"]) for e in moved["events"] if e["type"] == "deadline.missed"}
    assert {(each["ticket"], each["metric"]) for each in received} == missed
    assert {each["verified"] for each in received} == {"deadline.missed"}
    by_client = {ticket for ticket, _ in missed} - {by_curl["id"]}
    assert (len(missed), len(by_client)) == (4, 1)


PRINTS: Final = {
    "README.md": _a_life,
    "docs/sandbox.md": _a_sandbox,
    "docs/inbound.md": _an_alert,
    "docs/quickstart.md": _verified_misses,
}


def test_every_page_that_is_not_run_is_there() -> None:
    assert [name for name in ELSEWHERE if not _SHELL.search(PAGES[name])] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    assert [target for target in _LINK.findall(PAGES[page]) if not (folder / target).exists()] == []


def test_the_readme_leads_to_every_page() -> None:
    pages = {name for name in PAGES if name.startswith("docs/") and name.count("/") == 1}
    assert sorted(pages - set(_LINK.findall(PAGES["README.md"]))) == []


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].encode()) <= 6 * 1024


def test_every_setting_is_explained() -> None:
    """By its name, in the README or in a page of docs/."""
    named = set(_MEMBERS.findall("".join(PAGES.values())))
    assert {name.upper() for name in Settings.model_fields} - named == set()


def test_every_later_member_of_a_plan_is_explained() -> None:
    """What the first release had is in the plans that ship, which the page leads to."""
    assert [name for name in LATER if f"| `{name}` |" not in PAGES["docs/plans.md"]] == []
