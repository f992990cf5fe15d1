"""How soon the help widget's dialog is there when a visitor opens it for the first time. Goal: 200 ms.

Chromium runs at a sixth of the machine's speed (``Emulation.setCPUThrottlingRate``), about that of a cheap phone. It is
measured inside the page, from the visitor's click to the frame that shows the dialog, and further to the list of
tickets, which is read meanwhile. Beside it stands an empty ``<dialog>`` in the same browser: nobody can do it sooner.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from threading import Thread
from typing import Any, Final

import httpx
from playwright.async_api import Browser, Page, async_playwright

from app.core.clock import wall_now
from bench import servers
from tests.support.identities import SECRET, claims, token
from tests.support.programs import program

_GOAL: Final = 200.0
_SLOWER: Final = 6
_ROUNDS: Final = 9
_PAINTED: Final = """(button) => {
  window.opened = new Promise((resolve) => button.addEventListener("click", ({ timeStamp }) =>
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => resolve(performance.now() - timeStamp);
      after.port2.postMessage(0);
    }), { once: true }));
  window.listed = new Promise((resolve) => button.addEventListener("click", ({ timeStamp }) => {
    const look = () => button.getRootNode().querySelector("ul.tickets")
      ? resolve(performance.now() - timeStamp) : requestAnimationFrame(look);
    look();
  }, { once: true }));
}"""


def main() -> bool:
    """Print the medians; whether the goal is met."""
    with servers.database() as url, servers.service(url) as port, _page() as page:
        page.body = _html(port, f"http://127.0.0.1:{page.server_port}").encode()
        widget, listed, bare = asyncio.run(_measure(f"http://127.0.0.1:{page.server_port}"))
    met = widget <= _GOAL
    print(
        f"Widget, first open on a CPU {_SLOWER} times as slow: dialog {widget:.0f} ms (goal {_GOAL:.0f}, "
        f"an empty dialog {bare:.0f} ms), its list {listed:.0f} ms{'' if met else '  <- over the goal'}"
    )
    return met


class _Server(ThreadingHTTPServer):
    """Serves one page of a host product, of another origin than the service."""

    daemon_threads = True
    body = b""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.body)  # type: ignore[attr-defined]  # of _Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def _page() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _html(port: int, origin: str) -> str:
    """A page with the widget, whose visitor has some tickets, and with a dialog of its own."""
    account_id, site = servers.make_account(port, "google-premium"), f"http://127.0.0.1:{port}"
    key = {
        "kind": "widget",
        "account_id": account_id,
        "allowed_origins": [origin],
        "jwt_keys": [{"kid": "k1", "alg": "HS256", "key": SECRET}],
    }
    with httpx.Client(base_url=site, headers=servers.HEADERS, trust_env=False) as client:
        secret = client.post("/v1/keys", json=key).raise_for_status().json()["secret"]
        shown = {"Authorization": f"Bearer {secret}", "Heliodesk-Identity": token(claims(wall_now()))}
        for number in range(10):
            body = {"title": f"Ticket {number}", "description": "It does not work."}
            client.post("/v1/tickets", json=body, headers=shown).raise_for_status()
    return (
        '<!DOCTYPE html><title>Shop</title><button id="bare">Bare</button><dialog>Bare</dialog><script>'
        "bare.addEventListener('click', () => document.querySelector('dialog').showModal());"
        "window.heliodesk = function () { (heliodesk.q = heliodesk.q || []).push(arguments) };"
        f"heliodesk('identify', '{shown['Heliodesk-Identity']}')</script>"
        f'<script async src="{site}/widget.js" data-key="{secret}"></script>'
    )


async def _measure(url: str) -> tuple[float, float, float]:
    """The medians of the dialog, its list, and an empty dialog, in milliseconds."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium", "chromium"), args=["--no-sandbox"]
        )
        rounds = [await _round(browser, url) for _ in range(_ROUNDS)]
        await browser.close()
    widget, listed, bare = (median(each) for each in zip(*rounds, strict=True))
    return widget, listed, bare


async def _round(browser: Browser, url: str) -> tuple[float, float, float]:
    async with _slow(browser, url) as page:
        bare = page.locator("#bare")
        await bare.evaluate(_PAINTED)
        await bare.click()
        empty = await page.evaluate("window.opened")
    async with _slow(browser, url) as page:
        launcher = page.locator("heliodesk-widget .launcher")
        await launcher.evaluate(_PAINTED)
        await launcher.click()
        return await page.evaluate("window.opened"), await page.evaluate("window.listed"), empty


@asynccontextmanager
async def _slow(browser: Browser, url: str) -> AsyncIterator[Page]:
    """The page in a browser that has never seen it, on a slow CPU."""
    context = await browser.new_context()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    await page.goto(url)
    await page.locator("heliodesk-widget .launcher").wait_for()
    yield page
    await context.close()
