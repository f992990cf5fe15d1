"""Makes ``heliodesk_client/generated`` of the OpenAPI document when the package is built."""

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
        document, config = Path(folder) / "openapi.json", Path(folder) / "config.json"
        document.write_text(json.dumps(successes(json.loads(source.read_text(encoding="utf-8")))), encoding="utf-8")
        config.write_text(json.dumps({"post_hooks": [], "literal_enums": True}), encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
        places = {"path": document, "config": config, "output-path": TARGET, "custom-template-path": HERE / "templates"}
        arguments = [str(part) for name, value in places.items() for part in (f"--{name}", value)]
        subprocess.run([*command, *arguments], check=True)  # noqa: S603 - a program and files of ours
    for unused in ("client.py", "errors.py"):
        (TARGET / unused).unlink()


def successes(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the answers that the client raises as errors."""
    for item in document["paths"].values():
        for operation in item.values():
            answers = operation["responses"].items()
            operation["responses"] = {status: answer for status, answer in answers if status.startswith("2")}
    return document
