"""The demo's host product: a page of another origin that has the help widget in it, as a customer's product would."""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.key_schemas import JwtKey, NewKey
from app.accounts.models import AccountRow, ApiKeyRow
from app.accounts.usecases.keys import create_key
from app.cli.commands.demo import REFERENCE
from app.core import clock
from app.core.auth import hash_key
from app.core.web.page import ICON, page, page_policy

PATH: Final = "/demo/host"
_TOKEN_PATH: Final = "/demo/token"  # noqa: S105  an address
_KID: Final = "demo"
_LASTS: Final = timedelta(minutes=5)
_OWNER: Final = {"sub": "olga", "email": "olga@demo.example", "name": "Olga Owner", "aud": "heliodesk"}
_TEXT: Final = """\
<p>This page plays a product of a customer. The button at its lower end is the help widget.</p>
<p>The host product says that you are Olga Owner. You can also <a href="?guest">be a guest</a>, or take another
language: <a href="?locale=es">Español</a>, <a href="?locale=fr">Français</a>, <a href="?locale=pl">Polski</a>,
<a href="?locale=de">Deutsch</a>.</p>
"""
_SCRIPT: Final = """\
window.heliodesk=function(){(heliodesk.q=heliodesk.q||[]).push(arguments)};
const asked=new URLSearchParams(location.search);
if(!asked.has("guest"))heliodesk("identify",async()=>(await fetch("/demo/token")).text());
if(asked.has("locale"))heliodesk("locale",asked.get("locale"));
"""


@dataclass(frozen=True, slots=True)
class Widget:
    """The demo's widget key, and the secret with which its host product signs."""

    key: str
    secret: str

    def variables(self) -> dict[str, str]:
        """What a shell is to know it by."""
        return {"WIDGET_KEY": self.key, "WIDGET_SECRET": self.secret}


async def make_widget(session: AsyncSession, known: Mapping[str, str], origins: list[str]) -> Widget | None:
    """The demo's widget key for a host page of these origins: the ``known`` one, else a new one.

    None where there is no demo account.
    """
    kept = Widget(known.get("WIDGET_KEY", ""), known.get("WIDGET_SECRET", ""))
    by_secret = select(ApiKeyRow).where(ApiKeyRow.secret_hash == hash_key(kept.key))
    if kept.key and (row := (await session.execute(by_secret)).scalar_one_or_none()):
        row.allowed_origins = origins
        return kept
    by_reference = select(AccountRow.account_id).where(AccountRow.external_ref == REFERENCE)
    account_id = (await session.execute(by_reference)).scalars().first()
    if account_id is None:
        return None
    secret = secrets.token_urlsafe(32)
    signing = [JwtKey(kid=_KID, alg="HS256", key=secret)]
    command = NewKey(kind="widget", account_id=account_id, label="demo", allowed_origins=origins, jwt_keys=signing)
    _, key = await create_key(session, command, now=await clock.database_now(session))
    return Widget(key, secret)


def origins_of(port: int) -> list[str]:
    """Those of a host page on this port of this machine."""
    return [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]


def host_page(desk: str, key: str) -> tuple[str, dict[str, str]]:
    """The page, and its policy: the line that docs/widget-in-pages.md gives, and what is the page's own."""
    scripts = f'<script>{_SCRIPT}</script><script async src="{desk}/widget.js" data-key="{key}"></script>'
    html = page("A product of a customer", _TEXT + scripts)
    return html, page_policy(html, script=[f"{desk}/widget.js"], connect=["'self'", desk], img=[ICON])


def serve_host(port: int, desk: str, widget: Widget) -> ThreadingHTTPServer | None:
    """Serve the page beside the service, on loopback, for as long as the process lives; None: the port is taken."""
    html, policy = host_page(desk, widget.key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the page, or with who is signed in."""
            path = self.path.partition("?")[0]
            if path == PATH:
                self._answer(HTTPStatus.OK, html, "text/html; charset=utf-8")
            elif path == _TOKEN_PATH:
                self._answer(HTTPStatus.OK, _token(widget.secret), "text/plain")
            else:
                self._answer(HTTPStatus.NOT_FOUND, f"There is {PATH}, and nothing else", "text/plain")

        def _answer(self, status: HTTPStatus, text: str, media_type: str) -> None:
            body = text.encode()
            self.send_response(status)
            for name, value in {"Content-Type": media_type, "Cache-Control": "no-store", **policy}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: it is a demo."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        return None
    threading.Thread(target=server.serve_forever, name="demo host", daemon=True).start()
    return server


def _token(secret: str) -> str:
    """Who is signed in, as a back end says it."""
    until = clock.wall_now() + _LASTS
    return jwt.encode(_OWNER | {"exp": until}, secret, algorithm="HS256", headers={"kid": _KID})
