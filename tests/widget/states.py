"""Every state that the widget can be in, one after the other, in any language."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import Locator, Page

from app.widget.texts import TEXTS
from tests.support.stories import P1, path_of
from tests.widget.conftest import Host


class Walk:
    """A visitor who goes through all states in one language."""

    def __init__(self, host: Host, language: str) -> None:
        self.host, self.language = host, language

    @property
    def page(self) -> Page:
        """The host's page."""
        return self.host.page

    def say(self, name: str, **facts: Any) -> str:
        """A text of the widget."""
        return TEXTS[name].to(self.language).format(**{"at": ""} | facts).strip(": ")

    async def press(self, name: str) -> None:
        """Press the button, of several the last one."""
        await self.page.get_by_role("button", name=self.say(name), exact=True).last.click()

    def field(self, name: str) -> Locator:
        """A control by its label, which may say that it is optional."""
        return self.page.get_by_label(self.say(name)).first

    async def settled(self) -> None:
        """The view is there."""
        await self.page.locator("[aria-busy]").wait_for(state="detached")

    async def states(self) -> AsyncIterator[str]:
        """The name of each state, while the page is in it."""
        async for name in self._as_customer():
            await self.settled()
            yield name
        async for name in self._as_guest():
            await self.settled()
            yield name

    async def _as_customer(self) -> AsyncIterator[str]:
        await self.host.visit_as(locale=self.language)
        await self.page.get_by_role("button").wait_for()
        yield "button"
        await self.press("help")
        await self.page.get_by_text(self.say("no_tickets")).wait_for()
        yield "list-empty"
        await self.press("new_ticket")
        await self.page.get_by_role("radio").first.wait_for()
        yield "form"
        await self.page.get_by_role("radio").first.check()
        await self.press("send")
        await self.page.get_by_text(self.say("needed")).first.wait_for()
        yield "form-faults"
        await self.press("back")
        async for name in self._tickets():
            yield name

    async def _tickets(self) -> AsyncIterator[str]:
        story = self.host.story
        ticket = await story.open(**P1, call_link="https://meet.shop.example/room")
        await story.open(title="A question about reports", priority="P4")
        await self.page.get_by_text(ticket["title"]).click()
        await self.page.get_by_text(self.say("call_ready")).wait_for()
        yield "ticket"
        await self.press("cannot_join")
        yield "decline"
        await self.press("cancel")
        await self.press("escalate")
        await self.field("justification").wait_for()
        yield "escalate"
        await self.press("cancel")
        await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are looking at the storage.\nMore soon.")
        await self.page.get_by_text("More soon.").wait_for()
        yield "answered"
        due = (await story.engineer.get(path_of(ticket)))["next_update_due_at"]
        await self.page.clock.set_fixed_time(datetime.fromisoformat(due) + timedelta(hours=2))
        await self.page.locator(".late").first.wait_for()
        yield "overdue"
        await self.press("close")
        yield "close"
        await self.press("close")
        await self.page.get_by_text(self.say("is_resolved")).wait_for()
        yield "solved"
        await self.press("back")
        await self.page.get_by_text("A question about reports").wait_for()
        yield "list"

    async def _as_guest(self) -> AsyncIterator[str]:
        await self.host.visit(locale=self.language)
        await self.press("help")
        await self.field("email").wait_for()
        yield "guest"
