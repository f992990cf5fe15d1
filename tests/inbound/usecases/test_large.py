"""Large posts: what takes a while is done in threads of its own, and holds nobody's connection meanwhile."""

import asyncio
import gzip
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import replace
from threading import current_thread
from typing import TypeVar, TypeVarTuple

import httpx
import pytest
from fastapi import FastAPI

from app.core.db.pool import gate_of
from app.core.state import State
from app.core.workers.threads import Threads
from tests.inbound.conftest import MakeDesk
from tests.inbound.mail.letters import letter
from tests.support.waiting import until

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
MAIL = letter("x" * 2**20)


class Held(Threads):
    """Begins nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting, self.may = 0, asyncio.Event()

    async def run(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        self.waiting += 1
        await self.may.wait()
        return await super().run(function, *arguments)


@pytest.fixture
def held(app: FastAPI, client: httpx.AsyncClient, state: State) -> Held:
    """The threads of the application."""
    del client
    threads = Held()
    app.state.heliodesk = replace(state, threads=threads)
    return threads


async def test_large_posts_have_no_connection_while_they_are_looked_at(
    make_desk: MakeDesk, state: State, held: Held
) -> None:
    keyed, signed, disabled, removed = [await make_desk() for _ in range(4)]
    for desk in (keyed, disabled, removed):
        await desk.make(format="email")
    secret = (await signed.make(format="email", signature={"scheme": "github"}))["secret"]
    right = hmac.digest(secret.encode(), MAIL, hashlib.sha256).hex()
    stranger = asyncio.create_task(keyed.send(MAIL, "/email", {}))
    await until(stranger.done)  # nothing is computed for strangers
    packed = gzip.compress(letter(os.urandom(5_000).hex()))
    posts = [
        keyed.send(MAIL, "/email"),
        keyed.send(packed, "/email", keyed.key | {"Content-Encoding": "gzip"}),
        signed.send(MAIL, "/email", {"X-Hub-Signature-256": f"sha256={right}"}),
        signed.send(MAIL, "/email", {"X-Hub-Signature-256": f"sha256={right[::-1]}"}),
        disabled.send(MAIL, "/email"),
        removed.send(MAIL, "/email"),
    ]
    going = [asyncio.create_task(post) for post in posts]
    await until(lambda: held.waiting == len(going))
    assert gate_of(state.engine).taken == 0
    await disabled.change(enabled=False)
    await removed.client.delete(f"/v1/hooks/{removed.hook['id']}", headers=removed.owner)
    held.may.set()
    answers = [answer.status_code for answer in await asyncio.gather(*going)]
    assert stranger.result().status_code == 401
    assert answers == [202, 202, 202, 401, 409, 401]
    assert (await keyed.send(MAIL, "/email")).json()["duplicate"]


async def test_threads_are_apart_from_those_of_the_loop() -> None:
    threads = Threads()
    names = [await run(current_thread) for run in (threads.run, asyncio.to_thread)]
    assert names[0].name.startswith("compute")
    assert not names[1].name.startswith("compute")
    threads.close()
    with pytest.raises(RuntimeError):
        await threads.run(current_thread)
