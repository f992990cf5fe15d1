"""What a benchmark runs against: a durable embedded PostgreSQL, the service, and the bare handler, each a process."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg
import httpx

from app.cli.postgres.embedded import EmbeddedServer
from app.core.auth import make_key
from app.core.db.migrate import upgrade
from app.core.settings import Settings
from tests.support.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[1]
ADMIN: Final = make_key("admin")
_RATES: Final = ("RATE_PER_KEY", "RATE_PER_ACCOUNT", "BYTES_PER_ACCOUNT", "RATE_PER_SUPPORT_KEY", "TICKETS_PER_MINUTE")
AS_BY_DEFAULT: Final = {f"HELIODESK_{name}": str(Settings.model_fields[name.lower()].default) for name in _RATES}
"""The rates of a service that nobody has configured."""
HEADERS: Final = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}


@contextmanager
def database(**options: str) -> Iterator[str]:
    """The URL of a migrated database that keeps its promises (fsync is on), on disk; ``options`` are the server's."""
    with TemporaryDirectory(prefix="heliodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedServer(Path(folder) / "home") as server:
            if options:
                asyncio.run(_set(server.url(), options))
                server.stop()
                server.start()
            upgrade(server.url())
            yield server.url()


async def _set(url: str, options: dict[str, str]) -> None:
    connection = await asyncpg.connect(url)
    for name, value in options.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await connection.close()


@contextmanager
def service(url: str, **settings: str) -> Iterator[int]:
    """The port of a running ``heliodesk serve``, without rates unless ``settings`` has some (as ``AS_BY_DEFAULT``)."""
    port = free_port()
    code = "import sys; sys.argv = ['heliodesk', 'serve']; from app.cli.main import main; main()"
    environment = os.environ | {"PORT": str(port), "DATABASE_URL": url, "HELIODESK_ADMIN_KEY": ADMIN}
    environment |= {f"HELIODESK_{name}": "0" for name in _RATES}
    environment |= {"HELIODESK_LOG_LEVEL": "WARNING", "HELIODESK_ALLOW_NETWORKS": "127.0.0.0/8"} | settings
    with _process([sys.executable, "-c", code], environment, port):
        yield port


@contextmanager
def bare(url: str, app: str = "bench.bare:app", **settings: str) -> Iterator[int]:
    """The port of a bare handler; ``settings`` are environment variables."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with _process(command, os.environ | {"DATABASE_URL": url} | settings, port):
        yield port


@contextmanager
def _process(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield
    finally:
        process.terminate()
        process.wait(40)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError


def make_account(port: int, plan: str) -> str:
    """The id of a new account on a shipped plan."""
    body = {"name": "Bench", "plan": plan, "time_zone": "America/New_York"}
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/accounts", json=body, headers=HEADERS, trust_env=False)
    answer.raise_for_status()
    account_id: str = answer.json()["id"]
    return account_id


def account_key(port: int, account_id: str) -> dict[str, str]:
    """Request headers with a key of this account."""
    body = {"kind": "account", "account_id": account_id}
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/keys", json=body, headers=HEADERS, trust_env=False)
    return HEADERS | {"Authorization": f"Bearer {answer.raise_for_status().json()['secret']}"}
