import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import pytest

from tests.support.npm import installed
from tests.support.ports import free_port
from tests.support.programs import program
from tests.support.waiting import until

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "receivers"


@dataclass(frozen=True, slots=True)
class Example:
    """A running receiver of the documentation."""

    port: int
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/heliodesk"

    def lines(self) -> list[dict[str, Any]]:
        """What it has printed: whole lines of JSON."""
        written, _, _ = self.output.read_bytes().rpartition(b"\n")
        return [orjson.loads(line) for line in written.splitlines()]

    def accepted(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if "accepted" in line]

    async def listens(self) -> None:
        await until(lambda: any("listening" in line for line in self.lines()))

    async def wait_for(self, event_type: str, times: int = 1) -> None:
        await until(lambda: [line["type"] for line in self.accepted()].count(event_type) >= times)


Start = Callable[[str, str, int], AbstractContextManager[Example]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's own user may pass through, as pytest's own for root is not."""
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example for Node, with what it depends on."""
    folder = tmp_path_factory.mktemp("receiver") / "node"
    shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(installed(EXAMPLES / "node"))
    return folder


@pytest.fixture(params=["python", "node"])
def command(request: pytest.FixtureRequest) -> tuple[list[str], Path]:
    """How an example is started, and where."""
    if request.param == "python":
        return [sys.executable, "receiver.py"], EXAMPLES / "python"
    return [program("node", "nodejs"), "receiver.mjs"], request.getfixturevalue("node_folder")


@pytest.fixture
def start(command: tuple[list[str], Path], folder: Path) -> Start:
    """Starts the example with a secret, on a port; it is ended afterwards."""

    @contextmanager
    def started(name: str, secret: str, port: int) -> Iterator[Example]:
        output = folder / name
        environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret, "PORT": str(port)}
        with output.open("wb") as out:
            process = subprocess.Popen(command[0], cwd=command[1], env=environment, stdout=out, stderr=out)
        try:
            yield Example(port, output)
        finally:
            process.kill()
            process.wait()

    return started


@pytest.fixture
def port() -> int:
    return free_port()
