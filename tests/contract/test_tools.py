"""What others do with the document: linters find nothing to say, and generators make clients of it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.contract.document import DOCUMENT, OPERATIONS
from tests.support.npm import installed
from tests.support.service import ROOT

FILE: Final = ROOT / "openapi" / "openapi.json"
UV: Final = Path(sys.executable).with_name("uv")
GENERATOR: Final = "openapi-python-client==0.29.1"
QUIET: Final = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true", "NO_COLOR": "1"}
PROGRAM: Final = """
import type { paths } from "./schema";

type Opened = paths["/v1/tickets"]["post"];
const body: Opened["requestBody"]["content"]["application/json"] = {
  title: "Checkout is down",
  description: "Every payment fails.",
  channel: "web",
  requester: { name: "Ana Ruiz", email: "ana@example.com" },
};
export const id = (ticket: Opened["responses"]["201"]["content"]["application/json"]): string => ticket.id + body.title;
"""
"""Opens a ticket with nothing but what is needed."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a program prints to its standard output; it has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | QUIET,
        capture_output=True,
        check=False,
        timeout=300,
    )
    printed, said = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == 0, printed + said
    return printed


@pytest.fixture(scope="module")
def linters() -> Path:
    return installed(ROOT / "openapi") / ".bin"


@pytest.fixture(scope="module")
def generators() -> Path:
    return installed(ROOT / "clients" / "typescript") / ".bin"


def test_redocly_has_neither_errors_nor_warnings(linters: Path) -> None:
    found = orjson.loads(run(linters / "redocly", "lint", FILE, "--format=json"))
    assert found["problems"] == []


def test_spectral_has_nothing_to_say(linters: Path) -> None:
    run(linters / "spectral", "lint", FILE, "--fail-severity=hint")


def test_openapi_python_client_generates_without_a_warning(tmp_path: Path) -> None:
    command = ("tool", "run", "--from", GENERATOR, "openapi-python-client", "generate", "--meta", "none")
    printed = run(UV, *command, "--path", FILE, "--output-path", tmp_path / "client", cwd=tmp_path)
    assert "WARNING" not in printed, printed
    names = {path.stem for path in (tmp_path / "client" / "api").glob("*/*.py")} - {"__init__"}
    assert names == set(OPERATIONS) - {"ingest_email"}, "it knows no body that is a raw e-mail"


def test_a_program_that_opens_a_ticket_compiles_against_openapi_typescript(generators: Path, tmp_path: Path) -> None:
    run(generators / "openapi-typescript", FILE, "-o", tmp_path / "schema.d.ts", cwd=tmp_path)
    (tmp_path / "open.ts").write_text(PROGRAM)
    strict = ["--strict", "--exactOptionalPropertyTypes", "--noEmit", "--target", "es2022"]
    run(generators / "tsc", *strict, "open.ts", "schema.d.ts", cwd=tmp_path)


def _links() -> dict[str, dict[str, str]]:
    """What each operation's answer tells of others: the parameters of those by their names."""
    return {
        f"{operation.name} -> {name}": link["parameters"]
        for operation in OPERATIONS.values()
        for response in operation.responses.values()
        for name, link in response.get("links", {}).items()
    }


def test_every_link_leads_to_an_operation_and_gives_all_of_its_paths_parameters() -> None:
    for link, parameters in _links().items():
        target = OPERATIONS[link.partition(" -> ")[2]]
        assert set(parameters) == set(re.findall(r"{(\w+)}", target.path)), link


def test_what_takes_the_id_of_something_is_linked_from_what_creates_or_lists_it() -> None:
    linked = {link.partition(" -> ")[2] for link in _links()}
    keyed = {name for name, each in OPERATIONS.items() if "{" in each.path and each.spec["security"]}
    # By the region's key, which its answer has under another name; by the plan's, to which `programme_url` leads; by a
    # month, which nothing has the id of.
    months = {"get_monthly_report", "create_monthly_report_link"}
    assert keyed - linked == {"get_region_shifts", "get_programme"} | months


def test_a_ticket_and_what_belongs_to_it_are_linked_by_id_and_by_number() -> None:
    links = _links()
    paths: dict[str, dict[str, str]] = {}
    for link, values in links.items():
        paths.setdefault(OPERATIONS[link.partition(" -> ")[2]].path, values)
    assert paths["/v1/tickets/{ticket_id}"] == {"ticket_id": "$response.body#/id"}
    assert paths["/v1/tickets/by-number/{number}"] == {"number": "$response.body#/number"}
    assert paths["/v1/escalations/{escalation_id}/accept"] == {"escalation_id": "$response.body#/id"}
    assert paths["/v1/deliveries/{delivery_id}"] == {"delivery_id": "$response.body#/items/0/id"}


def test_every_schema_is_used() -> None:
    text = orjson.dumps(DOCUMENT).decode()
    unused = [name for name in DOCUMENT["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text]
    assert unused == []
