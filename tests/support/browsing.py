"""Pages in a real browser: Debian's Chromium, driven by Playwright."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette

from app.core.state import State
from tests.support.ports import free_port
from tests.support.programs import program
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Browsers:
    """One Chromium, in which each page has a profile of its own."""

    browser: Browser
    devices: Mapping[str, Any]

    @asynccontextmanager
    async def page(self, device: str | None = None) -> AsyncIterator[Page]:
        """A new page without any past: on a desktop, or on a device that Playwright knows."""
        context = await self.browser.new_context(**self.devices[device] if device else {})
        yield await context.new_page()
        await context.close()


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
async def launched() -> AsyncIterator[Browsers]:
    """A browser for as long as the block runs."""
    path = program("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield Browsers(browser, playwright.devices)
        await browser.close()
