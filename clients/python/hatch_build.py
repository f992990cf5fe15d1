"""Generates ``heliodesk_client/generated`` from the OpenAPI document when the package is built."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE: Final = Path(__file__).resolve().parent
DOCUMENTS: Final = (HERE / "openapi.json", HERE.parents[1] / "openapi" / "openapi.json")
"""Where the document is in a source distribution, and where in the repository."""
MAIL: Final = "message/rfc822"
STREAM: Final = "text/event-stream"
TARGET: Final = HERE / "src" / "heliodesk_client" / "generated"


class Generate(BuildHookInterface[Any]):
    """Hatchling's hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - Hatchling's own signature
        """Generate anew what a wheel takes."""
        if self.target_name == "wheel":
            generate(next(path for path in DOCUMENTS if path.exists()))


def generate(source: Path) -> None:
    """Write the models and operations of the document at ``source``."""
    with TemporaryDirectory() as folder:
        whole = json.loads(source.read_text(encoding="utf-8"))
        problems, events = problem_module(whole), event_module(whole)
        document, config = Path(folder) / "openapi.json", Path(folder) / "config.json"
        document.write_text(json.dumps(successes(whole)), encoding="utf-8")
        settings = {
            "post_hooks": [],
            "literal_enums": True,
            "content_type_overrides": {MAIL: "application/octet-stream"},
        }
        config.write_text(json.dumps(settings), encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
        places = {"path": document, "config": config, "output-path": TARGET, "custom-template-path": HERE / "templates"}
        arguments = [str(part) for name, value in places.items() for part in (f"--{name}", value)]
        subprocess.run([*command, *arguments], check=True)  # noqa: S603 - a program and files of ours
    for unused in ("client.py", "errors.py"):
        (TARGET / unused).unlink()
    (TARGET / "problems.py").write_text(problems, encoding="utf-8")
    (TARGET / "events.py").write_text(events, encoding="utf-8")


def successes(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the answers that the client raises as errors, and without endless ones."""
    for item in document["paths"].values():
        for method, operation in list(item.items()):
            answers = operation["responses"].items()
            operation["responses"] = {status: answer for status, answer in answers if status.startswith("2")}
            if any(STREAM in answer.get("content", {}) for answer in operation["responses"].values()):
                del item[method]  # all of it would be waited for: `stream_events` is written by hand
    return document


def problem_module(document: dict[str, Any]) -> str:
    """A module with an error for each problem type of the document."""
    kinds: dict[str, tuple[int, str]] = {}
    for name, answer in document["components"]["responses"].items():
        (content,) = answer["content"].values()
        for slug, example in content["examples"].items():
            kinds[slug] = (int(name.partition(".")[0]), example["summary"])
    lines = ['"""An error for each problem type of the service."""', "", "from ..errors import ProblemError"]
    for slug, (status, title) in sorted(kinds.items()):
        name = "".join(part.capitalize() for part in slug.split("-"))
        lines += ["", "", f"class {name}(ProblemError, slug={slug!r}):", f'    """{status}: {title}."""']
    names = ["".join(part.capitalize() for part in slug.split("-")) for slug in sorted(kinds)]
    return "\n".join([*lines, "", "", f"__all__ = {names!r}", ""])


def event_module(document: dict[str, Any]) -> str:
    """A module that says which class the events of each type have."""
    classes = {}
    for kind, item in document["webhooks"].items():
        body = item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        classes[kind] = body.rpartition("/")[2]
    names = sorted(classes.values())
    known = ", ".join(f"{kind!r}: {name}" for kind, name in classes.items())
    lines = [
        '"""The classes of events, by their type."""',
        "",
        "from typing import TypeAlias",
        "",
        f"from .models import {', '.join(['Event', *names])}",
        "",
        f"WebhookEvent: TypeAlias = {' | '.join([*names, 'Event'])}",
        f"EVENTS: dict[str, {' | '.join(f'type[{name}]' for name in names)}] = {{{known}}}",
        f"__all__ = {['EVENTS', 'Event', 'WebhookEvent', *names]!r}",
        "",
    ]
    return "\n".join(lines)
