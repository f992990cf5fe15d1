"""The command that Postfix runs, as docs/mail-in.md shows it: its code says what becomes of a message."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from tests.inbound.mail.letters import letter
from tests.support.ports import free_port
from tests.support.service import ROOT

_SCRIPT: Final = re.compile(r"^```text\n(#!/bin/sh\n.*?)^```", re.DOTALL | re.MULTILINE)
TAKEN, RETURNED, AGAIN = 0, 69, 75


RAW: Final = letter("Größe: 3,2 GB\n\n.\n")


async def piped(command: Sequence[str]) -> int:
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    await process.communicate(RAW)
    return process.returncode or 0


async def test_what_the_hook_stores_is_taken_what_it_never_takes_is_returned_and_all_else_waits(tmp_path: Path) -> None:
    found = _SCRIPT.search((ROOT / "docs" / "mail-in.md").read_text(encoding="utf-8"))
    assert found
    script, key = tmp_path / "to-heliodesk", tmp_path / "key"
    script.write_text(found[1], encoding="utf-8")
    key.write_text("Authorization: Bearer hd_hook_secret\n", encoding="utf-8")
    answers, came = [202, 413, 401, 429, 503], []

    async def take(request: web.Request) -> web.Response:
        came.append((request.path, request.headers["Authorization"], request.content_type, await request.read()))
        return web.Response(status=answers[len(came) - 1])

    application = web.Application()
    application.router.add_post("/v1/ingest/hook_1/email", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [(host, port)] = runner.addresses
    command = ["/bin/sh", str(script), f"http://{host}:{port}/v1/ingest/hook_1", str(key)]
    codes = [await piped(command) for _ in answers]
    await runner.cleanup()
    assert codes == [TAKEN, RETURNED, AGAIN, AGAIN, AGAIN]
    assert came[0] == ("/v1/ingest/hook_1/email", "Bearer hd_hook_secret", "message/rfc822", RAW)
    assert await piped([*command[:2], f"http://127.0.0.1:{free_port()}", str(key)]) == AGAIN
