"""A host product's page of another origin with the widget in it, in real Chromium."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from playwright.async_api import ConsoleMessage, Locator, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.core.clock import wall_now
from app.core.settings import Settings
from app.core.state import State
from tests.support.actors import make_key, make_person, make_region
from tests.support.browsing import Browsers, served
from tests.support.identities import SECRET, claims, token
from tests.support.service import ROOT
from tests.support.stories import Begin, Story

PLAN: Final = "google-premium"
ANA: Final = {"email": "ana@solar-roofs.example", "name": "Ana Silva"}
_NONCE: Final = "of-the-test"
_PAGE: Final = (ROOT / "docs" / "widget-in-pages.md").read_text(encoding="utf-8")
_SUPPORT: Final = "https://support.example.com"
"""The service in the documentation."""


def documented(pattern: str) -> str:
    """What the documentation of the widget says at the one place that the pattern's group finds."""
    [found] = re.findall(pattern, _PAGE, re.MULTILINE)
    return str(found)


_QUEUE: Final = documented(r"^<script>(window\.heliodesk = .*)</script>$")
_POLICY: Final = documented(r"^(script-src .*)$")
_TRUSTED: Final = documented(r"`(require-trusted-types-for [^`]*)`")


@dataclass
class Host:
    """The page, and what is behind it."""

    page: Page
    story: Story
    desk: str
    """the service's address"""
    url: str
    """that of the host page"""
    key: str
    settings: dict[str, str] = field(default_factory=dict)
    """further `data-` attributes of the script"""
    commands: str = ""
    """what the page calls before the script is there"""
    direction: str = "ltr"
    """in which the page is written"""
    complaints: list[str] = field(default_factory=list)
    """of the browser: broken policies, exceptions, what could not be loaded"""
    complains: bool = False
    """whether that is what the test is about"""

    async def visit(self, commands: str = "", **settings: str) -> None:
        """Load the page with these commands in it, and wait for the widget."""
        self.commands, self.settings = commands, settings
        await self.page.goto(self.url)
        await self.page.locator("heliodesk-widget").wait_for(state="attached")

    async def visit_as(self, person: dict[str, Any] | None = None, commands: str = "", **settings: str) -> None:
        """The same for somebody whom the host product vouches for."""
        stated = claims(wall_now(), **({"sub": "ana"} | ANA | (person or {})))
        await self.visit(f'heliodesk("identify", "{token(stated)}"); {commands}', **settings)

    def html(self) -> str:
        """The page, with the documented line for early commands."""
        more = "".join(f' data-{name}="{value}"' for name, value in self.settings.items())
        return (
            f'<!DOCTYPE html><html lang="en" dir="{self.direction}"><head><title>Shop</title></head>'
            "<body><main><h1>A shop</h1></main>"
            f'<script nonce="{_NONCE}">{_QUEUE};{self.commands}</script>'
            f'<script async src="{self.desk}/widget.js" data-key="{self.key}"{more}></script></body></html>'
        )

    @property
    def policy(self) -> str:
        """What the host page allows itself: nothing but the documented line, and a script of its own."""
        line = _POLICY.replace(_SUPPORT, self.desk).replace("script-src", f"script-src 'nonce-{_NONCE}'")
        return f"default-src 'none'; {line}; {_TRUSTED}"

    def button(self, name: str) -> Locator:
        """A button of the widget."""
        return self.page.get_by_role("button", name=name, exact=True)

    def text(self, text: str) -> Locator:
        """Where the widget says so."""
        return self.page.get_by_text(text)


@pytest.fixture
async def page(browsers: Browsers) -> AsyncIterator[Page]:
    async with browsers.page() as page:
        page.set_default_timeout(15_000)
        yield page


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"files_folder": tmp_path / "files"})


@pytest.fixture
def plan() -> str:
    """What the account has; a test may ask for another one by parametrizing it."""
    return PLAN


@pytest.fixture
async def story(begin: Begin, plan: str) -> Story:
    story = await begin(plan)
    await make_region(story.sessions)
    await make_person(story.sessions, story.account.account_id, "ana@solar-roofs.example", "editor")
    return story


@pytest.fixture
async def host(story: Story, page: Page, app: FastAPI, state: State) -> AsyncIterator[Host]:
    async def show(_: Request) -> HTMLResponse:
        return HTMLResponse(made.html(), headers={"Content-Security-Policy": made.policy})

    async with served(app, state) as desk, served(Starlette(routes=[Route("/", show)]), state) as url:
        keys = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
        account_id = story.account.account_id
        key = await make_key(story.sessions, "widget", account_id=account_id, allowed_origins=[url], jwt_keys=keys)
        made = Host(page, story, desk, url, key["Authorization"].removeprefix("Bearer "))

        def complain(message: ConsoleMessage) -> None:
            if message.type == "error":
                made.complaints.append(message.text)

        page.on("console", complain)
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        yield made
        await page.close()  # with its streams, for which the server would wait
    assert made.complains or [each for each in made.complaints if "favicon" not in each] == []
