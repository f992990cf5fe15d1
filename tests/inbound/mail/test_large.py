"""An e-mail of the largest size comes, goes to a process that reads it, and becomes a file: nobody waits meanwhile."""

import os
from base64 import encodebytes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from app.core.settings import Settings
from app.inbound import readings
from tests.inbound.mail.conftest import Post, person
from tests.inbound.mail.letters import letter
from tests.support import tasks
from tests.support.desk import fetch
from tests.support.turns import Turns

LIMIT: Final = 0.020
"""Seconds of a processor for which one turn may hold the event loop."""
SIZE: Final = 18 * 2**20
"""Bytes that are 25 MB as base64."""
ATTEMPTS: Final = 3
"""What copies an e-mail as a whole does so in each of them; other delays on a busy machine hardly ever do."""


async def sent(raw: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), 2**16):
        yield raw[start : start + 2**16]


async def test_an_email_of_25_mb_is_never_copied_in_one_turn(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, body, longest = post.desk, encodebytes(os.urandom(SIZE)).decode(), []
    desk.sessions.kw["info"]["files"] = Settings(files_folder=tmp_path, file_bytes=2**25)
    await person(post)
    monkeypatch.setattr(readings, "read_pieces", tasks.with_itself)  # to read it takes a process of its own for long
    for number in range(1 + ATTEMPTS):
        raw = letter(body if number else body[:5_000], Message_ID=f"<{number}@mail.example.com>")
        with Turns().watched() as turns:
            headers = desk.key | {"Content-Type": "message/rfc822"}
            answer = await desk.client.post(f"/v1/ingest/{desk.hook['id']}/email", content=sent(raw), headers=headers)
            assert answer.status_code == 202, answer.text
            await desk.process()
        longest.append(turns.longest)
        if number and turns.longest <= LIMIT:
            break
    assert min(longest[1:]) <= LIMIT, longest
    [stored] = await fetch(desk.sessions, "SELECT body FROM receipts ORDER BY received_at DESC LIMIT 1")
    assert stored["body"] == raw
    kept = "SELECT string_agg(bytes, '' ORDER BY number) AS bytes FROM file_chunks GROUP BY file_id"
    assert raw in [each["bytes"] for each in await fetch(desk.sessions, kept)]
    assert await fetch(desk.sessions, "SELECT FROM receipt_pieces") == []
