"""``/programmes/{plan}``: what a plan promises, as a page for everybody, or for whoever may read the plan."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import memory_of
from app.core.problems import Invalid, NotFound, TooManyRequests, Unauthorized, Unavailable
from app.core.process.memory import Memory
from app.core.schemas.shared import Locale
from app.core.state import StateDep
from app.core.text.language import Language, choose_language
from app.core.text.messages import _
from app.core.web.callers import Handler, language_of, principal_of
from app.core.web.edge.answer_headers import PUBLIC
from app.core.web.http import KEY_SCHEME, Router, StrictRoute, public_responses, query_faults
from app.core.web.kit.deps import LanguageDep
from app.core.web.page import ICON, page_policy, wants_json
from app.core.web.replies import dump
from app.plans import store
from app.plans.document.links import PATH
from app.plans.document.model import PlanDocument
from app.plans.document.words import PlanKey
from app.plans.programme.outline import Trial, programme
from app.plans.programme.page import STYLE, STYLE_PATH, page
from app.plans.schemas import Programme

_UNKNOWN: Final = _("There is no programme of this name, or it is not public")
_READERS: Final = ("admin", "agent", "account")
_VERSIONS: Final = 2**31 - 1
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""For a year: the style sheet's hash is in its address."""
_VARY: Final = {"Vary": "Accept, Accept-Language, Authorization"}
_ETAG: Final = {"ETag": {"description": "Of this page in this form, for `If-None-Match`", "schema": {"type": "string"}}}
_HTML: Final = {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"}


class _PageRoute(StrictRoute):
    """A route that needs no key, and refuses query parameters that it does not have."""

    def get_route_handler(self) -> Handler:
        """The handler behind the look at the names of the query's parameters."""
        handle, known = self.body_handler(), self.queries()

        async def check_then_handle(request: Request) -> Response:
            if faults := query_faults(request, known):
                raise Invalid(errors=faults)
            return await handle(request)

        return check_then_handle


router = Router(tags=["Plans"])


@dataclass(frozen=True, slots=True)
class _Told:
    """A programme in one language, as it is sent."""

    language: Language
    json: bytes
    html: str


@router.get(f"{PATH}{STYLE_PATH}", scope=None, include_in_schema=False)
async def show_style() -> Response:
    """Show the style sheet of the pages."""
    return Response(STYLE, media_type="text/css", headers=_KEPT)


@router.declare(
    "GET",
    f"{PATH}{{plan}}",
    scope=None,
    response_model=Programme,
    route_class_override=_PageRoute,
    openapi_extra={"security": [{}, {KEY_SCHEME: []}]},
    responses=public_responses(Unauthorized, NotFound, Invalid, TooManyRequests, Unavailable)
    | {
        200: {"content": {"text/html": _HTML}, "headers": _ETAG},
        304: {"description": "It has not changed since it was last sent", "headers": _ETAG},
    },
)
async def get_programme(
    request: Request,
    state: StateDep,
    accepted: LanguageDep,
    plan: Annotated[PlanKey, Path(description="The plan's key")],
    lang: Annotated[
        Locale | None, Query(description="The language; default: the one that the browser asks for")
    ] = None,
    version: Annotated[
        int | None, Query(ge=1, le=_VERSIONS, description="Which version of the plan; default: the current one")
    ] = None,
) -> Response:
    """Get a plan's programme.

    A page that prints well, with all that the plan document promises; JSON for clients that prefer it. What the plan
    says in its own words is in English where the plan lacks the language. No key is needed where the version says
    `public`, and so does the plan's current one: a plan that turns private is closed as a whole. Any other programme is
    shown to keys that may read plans (`plans:read`), and is a 404 for everybody else.
    """
    del accepted  # the key's account may have a language, and is known only now
    may_read = await _may_read(request)
    reader = language_of(request.scope)
    language = choose_language(lang, reader) if lang else reader
    async with state.sessions() as session:
        number, document = await _find(session, plan, version)
        is_public = await store.is_public(session, memory_of(session), document)
        if not (is_public or may_read):
            raise NotFound(_UNKNOWN)
        told = await _told(memory_of(session), document, (number, version), language, await _trial(session, document))
    return _answer(request, told, is_public=is_public)


async def _may_read(request: Request) -> bool:
    """Whether the request shows a key that may read plans. 401 for one that is not valid."""
    if "authorization" not in request.headers:
        return False
    principal = await principal_of(request)
    return principal.kind in _READERS and (not principal.scopes or "plans:read" in principal.scopes)


async def _find(session: AsyncSession, key: str, wanted: int | None) -> tuple[int, PlanDocument]:
    """The version, by default the current one, with its number. 404 where there is none."""
    number = wanted or await store.current_version(session, key)
    if number is None:
        raise NotFound(_UNKNOWN)
    try:
        return number, await store.document(session, memory_of(session), key, number)
    except NotFound:
        raise NotFound(_UNKNOWN) from None


def _is_held(request: Request, tag: str) -> bool:
    """Whether the reader has it already: its tag, weak or strong, is one of those in the list (RFC 9110, 13.1.2)."""
    listed = ",".join(request.headers.getlist("if-none-match"))
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in listed.split(","))


async def _trial(session: AsyncSession, plan: PlanDocument) -> Trial | None:
    """The programme that holds while a customer is on trial, if it is another one."""
    if plan.trial is None or plan.trial == plan.key:
        return None
    number = await store.current_version(session, plan.trial)
    if number is None:
        return None
    other = await store.document(session, memory_of(session), plan.trial, number)
    return Trial(number, other.name, other.key if other.public else None)


async def _told(
    memory: Memory, plan: PlanDocument, versions: tuple[int, int | None], language: Language, trial: Trial | None
) -> _Told:
    """The programme as it is sent; ``versions``: which it is, and which one the address of the page names."""
    name = (plan.key, versions, language, trial and trial.version)
    known = memory.recall(_Told, name)
    return known or memory.keep(name, await asyncio.to_thread(_tell, plan, versions, language, trial))


def _tell(plan: PlanDocument, versions: tuple[int, int | None], language: Language, trial: Trial | None) -> _Told:
    number, named = versions
    told = programme(plan, number, language, trial)
    html = page(told, query=f"&version={named}" if named else "")
    return _Told(language, dump(told.model_dump(mode="json")), html)


def _answer(request: Request, told: _Told, *, is_public: bool) -> Response:
    """The page or the JSON; what is public may be kept, and is asked for again before it is used."""
    is_json = wants_json(request.headers.get("accept", ""))
    body = told.json if is_json else told.html.encode()
    headers = _VARY | {"Content-Language": told.language}
    if is_public:
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers |= PUBLIC | {"ETag": tag}
        if _is_held(request, tag):
            return Response(status_code=304, headers=headers)
    if is_json:
        return Response(body, media_type="application/json", headers=headers)
    return HTMLResponse(body, headers=headers | page_policy(told.html, style=["'self'"], img=[ICON]))
