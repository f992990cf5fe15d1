"""Large posts: what takes a while is done in threads of its own, and holds nobody's connection meanwhile.

They are stored piece by piece, and of one that is not stored no piece stays.
"""

import asyncio
import gzip
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import replace
from threading import current_thread
from typing import Any, Final, TypeVar, TypeVarTuple

import httpx
import pytest
from asyncpg import DivisionByZeroError, NotNullViolationError
from fastapi import FastAPI

from app.core.db.engine import lookup
from app.core.db.pool import gate_of
from app.core.pieces import Pieces
from app.core.problems import Conflict
from app.core.state import State
from app.core.web.credentials import Key
from app.core.workers.threads import Threads
from app.inbound import bodies
from app.inbound.bodies import ONE
from app.inbound.usecases.receive import Posted, receive
from tests.inbound.conftest import Desk, MakeDesk
from tests.inbound.mail.letters import letter
from tests.support.desk import fetch
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


LARGE: Final = Pieces.of(b"x" * (ONE + 1))


def posted(desk: Desk, sent: Pieces, name: str | None = None, payload: bytes | None = None) -> Posted:
    return Posted(desk.hook["id"], name, {}, sent, Key(desk.hook["secret"], "bearer"), payload)


async def nothing_is_left(desk: Desk) -> bool:
    return await fetch(desk.sessions, "SELECT FROM receipt_pieces") == []


async def test_bodies_of_any_size_are_kept_as_they_are(desk: Desk, state: State) -> None:
    for size in (ONE, ONE + 1, 3 * ONE, 3 * ONE + 1):
        sent = os.urandom(size)
        received = await receive(state, posted(desk, Pieces.of(sent)))
        async with lookup(state.engine) as connection:
            kept = await bodies.body_of(connection, desk.account_id, received.receipt_id)
        assert kept.whole() == sent, size
    assert await nothing_is_left(desk)


async def test_no_piece_stays_of_what_is_not_stored(desk: Desk, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SEND", bodies._SEND.replace("$3", "$3::int / (1 - $3::int)"))
    grown = posted(desk, Pieces.of(b"1e15"), "pagerduty", LARGE.whole())
    for post in (posted(desk, LARGE), grown, posted(desk, LARGE, "email")):
        with pytest.raises(DivisionByZeroError):
            await receive(state, post)
        assert await nothing_is_left(desk)
    assert await desk.receipts() == []


async def test_a_receipt_is_not_stored_without_the_pieces_of_its_body(
    desk: Desk, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(bodies, "send", nothing)
    with pytest.raises(NotNullViolationError):
        await receive(state, posted(desk, LARGE))


async def test_of_a_large_email_that_comes_twice_one_is_kept(
    desk: Desk, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, send = asyncio.Barrier(2), bodies.send

    async def send_together(*arguments: Any) -> None:
        await both.wait()  # neither has found the other
        await send(*arguments)

    monkeypatch.setattr(bodies, "send", send_together)
    post = posted(desk, Pieces.of(MAIL), "email")
    received = await asyncio.gather(receive(state, post), receive(state, post))
    assert sorted(each.duplicate for each in received) == [False, True]
    late = await receive(state, post)  # which would wait if it were sent
    assert late.duplicate
    assert len({each.receipt_id for each in (*received, late)}) == len(await desk.receipts()) == 1
    assert await nothing_is_left(desk)


async def test_a_hook_that_is_disabled_while_a_large_post_is_sent_takes_none(
    desk: Desk, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = bodies.send

    async def disable_meanwhile(*arguments: Any) -> None:
        await send(*arguments)
        await desk.change(enabled=False)

    monkeypatch.setattr(bodies, "send", disable_meanwhile)
    with pytest.raises(Conflict):
        await receive(state, posted(desk, LARGE))
    assert await nothing_is_left(desk)
