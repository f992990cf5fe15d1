"""How often a text is rendered."""

import asyncio
from threading import Event

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles import rendering
from app.articles.rendering import Rendered, rendered_once
from app.core.process.memory import Memory
from tests.support.waiting import until


async def test_a_text_is_rendered_once_for_all_who_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first of them leaves meanwhile."""
    begun: list[str] = []
    go = Event()

    def slow(body: str) -> tuple[str, str]:
        begun.append(body)
        assert go.wait(120)
        return "<p>x</p>", "x"

    monkeypatch.setattr(rendering, "rendered", slow)
    session, text = AsyncSession(info={"memory": Memory()}), "x" * 1_000
    readers = [asyncio.create_task(rendered_once(session, text)) for _ in range(4)]
    try:
        await until(lambda: begun)
        readers[0].cancel()
        await asyncio.wait(readers[:1])
        readers.append(asyncio.create_task(rendered_once(session, text)))
        await asyncio.sleep(0)
    finally:
        go.set()
    assert await asyncio.gather(*readers[1:]) == [Rendered("<p>x</p>", "x")] * 4
    assert await rendered_once(session, text) == Rendered("<p>x</p>", "x")
    assert begun == [text]
    assert not rendering._underway
