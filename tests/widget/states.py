"""Every state that the widget can be in, one after the other, in any language."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

from playwright.async_api import FilePayload, Locator, Page

from app.widget.texts import TEXTS
from tests.support.desk import fetch
from tests.support.stories import P1, path_of
from tests.widget.conftest import Host

_WITH_MATRIX: Final = "UPDATE accounts SET plan = 'zmanda-standard' WHERE account_id = $1 RETURNING 1"

FILES: Final[list[FilePayload]] = [
    {"name": "a-log-with-a-rather-long-name-of-last-thursday.log", "mimeType": "text/plain", "buffer": b"log" * 700},
    {"name": "installer.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"},
]
ARTICLE: Final = {
    "title": "Exporting a report to PDF fails",
    "body": "Export **fewer pages**:\n\n1. Open [the report](https://docs.example/report).\n2. Say `a year` <script>\n",
    "audience": "public",
    "status": "published",
}


class Walk:
    """Visitors who go through all states in one language."""

    def __init__(self, host: Host, language: str) -> None:
        self.host, self.story, self.language = host, host.story, language

    @property
    def page(self) -> Page:
        """The host's page."""
        return self.host.page

    def say(self, name: str, /, **facts: Any) -> str:
        """A text of the widget."""
        return TEXTS[name].to(self.language).format(**{"at": ""} | facts).strip(": ")

    async def press(self, name: str) -> None:
        """Press the button, of several the last one."""
        await self.page.get_by_role("button", name=self.say(name), exact=True).last.click()

    def field(self, name: str) -> Locator:
        """A control by its label, which may say that it is optional."""
        return self.page.get_by_label(self.say(name)).first

    async def said(self, name: str) -> None:
        """The widget says so."""
        await self.page.get_by_text(self.say(name)).first.wait_for()

    async def states(self) -> AsyncIterator[str]:
        """The name of each state, while the page is in it."""
        for part in (self._form, self._call, self._thread, self._end, self._matrix, self._guest, self._own_page):
            async for name in part():
                await self.page.locator("[aria-busy]").wait_for(state="detached")
                yield name

    async def _form(self) -> AsyncIterator[str]:
        await self.host.visit_as(locale=self.language)
        await self.page.get_by_role("button").wait_for()
        yield "button"
        await self.press("help")
        await self.said("no_tickets")
        yield "list-empty"
        await self.page.route("**/v1/priorities**", lambda route: route.abort())
        await self.press("new_ticket")
        await self.said("unreachable")
        yield "unreachable"
        await self.page.unroute("**/v1/priorities**")
        await self.press("again")
        await self.page.get_by_role("radio").first.wait_for()
        yield "form"
        await self.page.locator("input[type=file]").set_input_files([*FILES])
        await self.page.locator(".files .error").scroll_into_view_if_needed()
        yield "form-files"
        for each in FILES:
            await self.page.get_by_role("button", name=self.say("file_remove", name=each["name"])).click()
        await self.story.engineer.post("/v1/articles", 201, **ARTICLE)
        await self.field("title").fill("Exporting the yearly report to PDF fails")
        await self.page.locator("summary").click()
        await self.said("solved_it")
        yield "form-solutions"
        await self.field("title").fill("")
        await self.page.locator("summary").wait_for(state="detached")
        await self.page.get_by_role("radio").first.check()
        await self.press("send")
        await self.said("needed")
        yield "form-faults"
        await self.press("back")

    async def _call(self) -> AsyncIterator[str]:
        self.ticket = await self.story.open(**P1, call_link="https://meet.shop.example/room")
        await self.story.open(title="A question about reports", priority="P4")
        await self.page.get_by_text(self.ticket["title"]).click()
        await self.said("call_ready")
        yield "ticket"
        await self.press("cannot_join")
        yield "decline"
        await self.field("reason").fill("-")
        await self.press("cannot_join")
        await self.said("call_declined")
        yield "declined"
        await self.story.customer.post(f"{path_of(self.ticket)}/call/join", participant="customer")
        await self.said("call_joined")
        yield "joined"

    async def _thread(self) -> AsyncIterator[str]:
        path, engineer = path_of(self.ticket), self.story.engineer
        await self.press("escalate")
        await self.field("justification").wait_for()
        yield "escalate"
        await self.field("justification").fill("-")
        await self.press("escalate")
        await self.said("escalated")
        await engineer.post(f"{path}/messages", 201, body="We are looking at the storage.\nMore soon.")
        await self.page.get_by_text("More soon.").wait_for()
        yield "answered"
        await self.field("reply").fill("Thank you. It began after the last update, and it is getting worse.")
        await self.page.locator("input[type=file]").set_input_files(FILES[0])
        await self.press("send_reply")
        await self.said("sent")
        yield "sent"
        await self.press("watch")
        yield "watch"
        await self.field("colleague").fill("tom.berg@solar-roofs.example")
        await self.press("watch")
        await self.said("watching")
        yield "watched"
        await self.page.get_by_role("button", name=self.say("unwatch", name="tom.berg@solar-roofs.example")).click()
        yield "unwatch"
        await self.press("cancel")
        await engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version is it?")
        await self.said("waiting")
        yield "waiting"
        path = await self.story.open_at(await self.story.now() - timedelta(hours=3), **P1, title="Exports hang")
        self.ticket = await engineer.get(path)
        await self.press("back")
        await self.page.get_by_text("Exports hang").click()
        await self.page.locator(".late").first.wait_for()
        yield "overdue"

    async def _end(self) -> AsyncIterator[str]:
        path = path_of(self.ticket)
        await self.press("close")
        await self.said("close_question")
        yield "close"
        await self.press("close")
        await self.said("is_resolved")
        yield "solved"
        await self.press("reopen")
        yield "reopen"
        await self.press("cancel")
        await self.story.customer.post(f"{path}/withdraw")
        await self.said("is_closed")
        yield "closed"
        await self.press("back")
        await self.page.get_by_text("A question about reports").wait_for()
        yield "list"
        await self.press("close_dialog")
        [other] = [each for each in (await self.story.engineer.get("/v1/tickets"))["items"] if each["priority"] == "P4"]
        await self.story.engineer.post(f"{path_of(other)}/messages", 201, body="Here they are.")
        await self.page.locator(".dot").wait_for()
        yield "button-news"

    async def _matrix(self) -> AsyncIterator[str]:
        await fetch(self.story.sessions, _WITH_MATRIX, self.story.account.account_id)
        await self.host.visit_as(locale=self.language)
        await self.press("help")
        await self.press("new_ticket")
        await self.field("impact").wait_for()
        yield "matrix"
        await self.field("title").fill("The nightly backup of the warehouse fails")
        await self.field("description").fill("Since Thursday.")
        await self.page.route("**/v1/tickets", lambda route: route.abort())
        await self.press("send")
        await self.said("will_send")
        yield "kept"
        await self.page.unroute("**/v1/tickets")

    async def _guest(self) -> AsyncIterator[str]:
        await self.host.visit(locale=self.language)
        await self.press("help")
        await self.field("email").wait_for()
        yield "guest"
        for name in ("name", "title", "description"):
            await self.field(name).fill("Gil Guest needs help")
        await self.field("email").fill("gil@guest.example")
        await self.press("send")
        await self.field("reply").wait_for()
        yield "guest-ticket"
        await self.press("back")
        await self.said("your_tickets")
        yield "guest-list"

    async def _own_page(self) -> AsyncIterator[str]:
        link = await self.story.customer.post(f"{path_of(self.ticket)}/links", 201)
        speaks = f"Object.defineProperty(navigator, 'language', {{ get: () => '{self.language}' }})"
        await self.page.add_init_script(speaks)
        for name, about in {
            "page-link": f"{self.ticket['id']}/{link['token']}",
            "page-no-link": f"{self.ticket['id']}/hd_ticket_of_nobody",
            "page": self.host.key,
        }.items():
            await self.page.goto("about:blank")
            await self.page.goto(f"{self.host.desk}/help#{about}")
            await self.said({"page-link": "is_closed", "page-no-link": "no_link", "page": "new_ticket"}[name])
            yield name
