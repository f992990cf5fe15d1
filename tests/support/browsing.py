"""Pages in a real browser: Debian's Chromium, driven by Playwright."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette

from app.core.state import State
from tests.support.ports import free_port
from tests.support.programs import program
from tests.support.waiting import until


@asynccontextmanager
async def served(app: Starlette, state: State) -> AsyncIterator[str]:
    """The address of a server of this test's own, with the test's state."""
    app.state.heliodesk = state
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def browsing(device: str | None = None) -> AsyncIterator[Page]:
    """A new page of a new browser: on a desktop, or on a device that Playwright knows."""
    path = program("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = await browser.new_context(**playwright.devices[device] if device else {})
        yield await context.new_page()
        await browser.close()
