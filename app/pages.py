"""Pages for people with a browser: the start page, the API's reference, and what each problem type means.

Swagger UI and ReDoc are served from an installed package, so that the reference needs no other server.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.routing import Route

from app.core.problems import NotFound
from app.core.state import State
from app.core.web.edge.answer_headers import PUBLIC
from app.core.web.health import may_see, readiness
from app.core.web.page import ICON, page, page_policy

_PACKAGE: Final = "fastapi-offline"
_ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}
_ELSEWHERE: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
"""What ReDoc shows beside the name of its makers."""
_NO_IMAGE: Final = b"data:,"
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""For a year: the package's version is in the address."""
_SOURCES: Final = {
    "script": ["'self'"],
    "style": ["'self'", "'unsafe-inline'"],
    "img": ["'self'", "data:"],
    "connect": ["'self'"],
    "worker": ["blob:"],
}
"""What Swagger UI and ReDoc load: their own files, the document, and what is sent to try an operation."""
_LINKS: Final = (
    ("docs", "The API, to be tried out"),
    ("redoc", "The same to be read"),
    ("openapi.json", "The same as a document, for generators of clients"),
    ("plan.schema.json", "The JSON Schema of plan documents"),
    ("readyz", "Whether the service is ready, and what is missing"),
    ("metrics", "Metrics for Prometheus"),
)


def serve_pages(app: FastAPI, document: str) -> None:
    """Answer with the start page and the pages that show the OpenAPI document, which is at ``document``."""
    place = f"docs/assets/{version(_PACKAGE)}"
    title = f"{app.title} API"
    beside = document.removeprefix("/")  # relative, for a proxy may put all under a path
    icon = f"{place}/favicon.png"
    swagger = get_swagger_ui_html(
        openapi_url=beside,
        title=title,
        swagger_js_url=f"{place}/swagger-ui-bundle.js",
        swagger_css_url=f"{place}/swagger-ui.css",
        swagger_favicon_url=icon,
    )
    redoc = get_redoc_html(
        openapi_url=beside,
        title=title,
        redoc_js_url=f"{place}/redoc.standalone.js",
        redoc_favicon_url=icon,
        with_google_fonts=False,
    )
    routes = app.router.routes
    for path, shown in (("/docs", swagger), ("/redoc", redoc)):
        routes.append(Route(path, _constant(bytes(shown.body).decode()), include_in_schema=False))
    routes.append(Route(f"/{place}/{{name}}", _asset, include_in_schema=False))
    routes.append(Route("/", _start, include_in_schema=False))


def _constant(html: str) -> Callable[[Request], Awaitable[Response]]:
    headers = PUBLIC | page_policy(html, **_SOURCES)

    async def answer(_: Request) -> Response:
        return HTMLResponse(html, headers=headers)

    return answer


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise NotFound
    return Response(_read(name), media_type=_ASSETS[name], headers=_KEPT)


@cache
def _read(name: str) -> bytes:
    """The file, which loads nothing from elsewhere."""
    return (files(_PACKAGE.replace("-", "_")) / "static" / name).read_bytes().replace(_ELSEWHERE, _NO_IMAGE)


async def _start(request: Request) -> Response:
    """Where things are, and whether the service is well: as much of it as the caller may see."""
    state: State = request.app.state.heliodesk
    checks, degraded = await readiness(state)
    failed = [name for name, result in checks.items() if result != "ok"]
    lines = [f"Not ready: {', '.join(failed)}" if failed else "Ready"]
    lines = [*lines, *degraded] if may_see(request, state) else ["Not ready" if failed else "Ready"]
    links = "".join(f'<li><a href="{path}">{path}</a>: {escape(what)}</li>' for path, what in _LINKS)
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    html = page("Heliodesk", f"<p>{escape(str(request.app.summary))}.</p>{told}<ul>{links}</ul>")
    return HTMLResponse(html, headers=page_policy(html, img=[ICON]))
