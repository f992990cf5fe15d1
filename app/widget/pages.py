"""What a browser loads: the script with its texts, for pages of any origin, and the page ``/help``.

The script is the files of ``script/`` one after the other, in a scope of its own, without comments and blanks: nothing
is renamed. Its style sheet is one line of it. It is read once and kept compressed, as far as gzip can (Zopfli).
"""

import asyncio
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from rjsmin import jsmin
from starlette.routing import Route
from zopfli.gzip import compress

from app.core.text.language import LANGUAGES, choose_language
from app.core.web.edge.answer_headers import PUBLIC
from app.core.web.page import ICON, page_policy
from app.core.web.replies import dump
from app.widget.texts import catalogue

_PARTS: Final = ("base", "service", "live", "fields", "files", "solutions", "opening", "ticket", "style", "widget")
"""In this order: what a later one defines, an earlier one uses only once all are read."""
_ROUNDS: Final = 5
"""More of them take longer, and save a few bytes."""
_SHARED: Final = {"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*"}
"""Pages of other origins may load it, also those that isolate themselves. It says nothing about anybody."""
_SCRIPT_KEPT: Final = {"Cache-Control": "public, max-age=300, stale-while-revalidate=86400"}
"""A new version is in all pages after five minutes of use."""
_TEXTS_KEPT: Final = {"Cache-Control": "public, max-age=86400"}
"""The script asks for them with its version in the address."""
_BODY: Final = "body{margin:0}"
_POLICY: Final = "; require-trusted-types-for 'script'; trusted-types 'none'"
_HELP: Final = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    f'<link rel="icon" href="data:,"><title>Help</title><style>{_BODY}</style>'
    '<script async src="widget.js" data-mode="page"></script></head><body></body></html>'
)


@cache
def script() -> str:
    """The whole script."""
    folder = files(__package__) / "script"
    written = "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in _PARTS)
    sheet = "".join((folder / "style.css").read_text(encoding="utf-8").splitlines())
    parts = f"const css=`{sheet}`;{jsmin(written)}"
    return f'(()=>{{"use strict";const version="{_version(parts)}";{parts}}})();\n'


def _version(parts: str) -> str:
    """What changes with the script or any of its texts."""
    texts = dump([catalogue(language) for language in LANGUAGES])
    return _tag(parts.encode() + texts)


def _tag(body: bytes) -> str:
    return urlsafe_b64encode(sha256(body).digest()[:12]).decode()


@cache
def compressed() -> bytes:
    """The script as browsers get it."""
    small: bytes = compress(script().encode(), numiterations=_ROUNDS)
    return small


@cache
def _texts(language: str) -> bytes:
    return dump({"language": language, "texts": catalogue(language)})


def serve_widget(app: FastAPI) -> None:
    """Answer with the script, its texts and the page."""
    routes = app.router.routes
    routes.append(Route("/widget.js", _script, include_in_schema=False))
    routes.append(Route("/widget/texts/{tag}", _catalogue, include_in_schema=False))
    routes.append(Route("/help", _help, include_in_schema=False))


async def _script(request: Request) -> Response:
    small = "gzip" in request.headers.get("accept-encoding", "")
    body = await asyncio.to_thread(compressed) if small else script().encode()
    encoding = {"Content-Encoding": "gzip"} if small else {}
    headers = _SHARED | _SCRIPT_KEPT | encoding | {"Vary": "Accept-Encoding"}
    return _unless_known(request, body, "text/javascript; charset=utf-8", headers)


async def _catalogue(request: Request) -> Response:
    language = choose_language(request.path_params["tag"])
    headers = _SHARED | _TEXTS_KEPT | {"Content-Language": language}
    return _unless_known(request, _texts(language), "application/json", headers)


def _unless_known(request: Request, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """The body, or that the browser has it already (RFC 9110, 13.1.2)."""
    tagged = headers | {"ETag": f'"{_tag(body)}"'}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tagged["ETag"] in known:
        return Response(status_code=304, headers=tagged)
    return Response(body, media_type=media_type, headers=tagged)


async def _help(_: Request) -> Response:
    """The same component as a page. Whose it is stands behind the ``#`` of its address, which browsers do not send."""
    policy = page_policy(_HELP, script=["'self'"], connect=["'self'"], img=[ICON])
    policy["Content-Security-Policy"] += _POLICY
    return HTMLResponse(_HELP, headers=PUBLIC | policy)
