"""``/healthz``, ``/readyz``, ``/metrics``, and the page of each problem type."""

from datetime import datetime, timedelta
from functools import partial
from hmac import compare_digest
from html import escape
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy import text

from app.core.clock import database_now, monotonic, wall_now
from app.core.db.errors import DATABASE_ERRORS
from app.core.db.locks import locks_of
from app.core.db.probe import Found
from app.core.problems import HeadTooLarge, Invalid, NotFound, Problem, TooManyRequests, Unauthorized, Unavailable
from app.core.process.watch import Condition
from app.core.schemas.shared import Document
from app.core.state import State, StateDep
from app.core.text.messages import _
from app.core.web.credentials import key_of
from app.core.web.edge.answer_headers import PUBLIC
from app.core.web.http import Router, public_responses
from app.core.web.kit.deps import LanguageDep
from app.core.web.page import ICON, page, page_policy, wants_page
from app.core.web.replies import reply
from app.core.zones import IN_FORCE

_SKEW: Final = timedelta(seconds=5)
"""How far a machine's clock may be from the database's before operators are told."""

_PAGE: Final = {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"}

router = Router(tags=["Operations"])


class Health(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Readiness(Document):
    """What the process needs in order to serve. Without the key that its details need, only the status is shown."""

    status: str = Field(
        examples=["ready"],
        description="`ready`, or `degraded`: it serves, but something is missing. Without the key always `ready`",
    )
    checks: dict[str, str] = Field(
        default_factory=dict, examples=[{"database": "ok", "migrations": "ok", "sweep": "ok"}]
    )
    degraded: list[str] = Field(default_factory=list, description="What does not work, in words", examples=[[]])
    time_zone_database: str = Field("", description="Version of the IANA database in force", examples=["2026a"])


class ProblemType(BaseModel):
    """What a problem's ``type`` means."""

    type: str = Field(examples=["/problems/not-found"])
    title: str = Field(examples=["There is no such resource"])
    status: int = Field(examples=[404])
    description: str = Field(examples=["There is no such resource, or it belongs to another account."])


@router.get("/healthz", scope=None, response_model=Health, responses=public_responses(HeadTooLarge, Unavailable))
async def get_health(state: StateDep) -> Response:
    """Get the process's liveness.

    Answers as long as the event loop runs. 503 means that only a restart may help: the embedded PostgreSQL of
    `heliodesk up` has ended and cannot be started again.
    """
    if state.embedded and state.embedded.condition == Condition.LOST:
        raise Unavailable(_("The embedded PostgreSQL has ended and cannot be started again"))
    return reply({"status": "ok"})


@router.get(
    "/readyz",
    scope=None,
    response_model=Readiness,
    responses=public_responses(HeadTooLarge, Unavailable),
)
async def get_readiness(request: Request, state: StateDep) -> Response:
    """Get the process's readiness.

    It is ready when the database answers, its schema fits, and the background passes run. A wrong clock on this machine
    is reported, but does no harm: business time is the database's. A feed of events that stands still is reported too,
    and how many tickets have timers that cannot be processed, but not whose. Where `HELIODESK_METRICS_KEY` is set, only
    callers who send it as a bearer token learn more than yes or no.
    """
    checks, degraded = await readiness(state)
    failed = [name for name, result in checks.items() if result != "ok"]
    if not may_see(request, state):
        if failed:
            raise Unavailable(_("Not ready"), headers={"Retry-After": "1"})
        return reply({"status": "ready"})
    if failed:
        raise Unavailable(_("Not ready: {failed}", failed=list(failed)), headers={"Retry-After": "1"}, checks=checks)
    status = "degraded" if degraded else "ready"
    return reply(
        {"status": status, "checks": checks, "degraded": degraded, "time_zone_database": IN_FORCE.version},
    )


async def readiness(state: State) -> tuple[dict[str, str], list[str]]:
    """What the process needs, each ``ok`` or what is wrong with it; and what does not work although it serves."""
    checks, troubles = await state.probe.find(partial(_check_database, state))
    late = set(state.heartbeats.late(monotonic()))
    checks |= {"embedded_postgresql": state.embedded.check} if state.embedded else {}
    checks |= {name: "late" if name in late else "ok" for name in state.heartbeats.ages(monotonic())}
    return checks, [*state.degraded, *troubles]


async def _check_database(state: State) -> Found:
    """The checks of the database, and what is wrong with this machine's clock, the feed, locks, and what is stored.

    It has a connection that no request can take.
    """
    try:
        async with state.clock.sessions() as session:
            heads = set(await session.scalars(text("SELECT version_num FROM alembic_version")))
            before = wall_now()
            skew = clock_skew(before, await database_now(session), wall_now())
            found = [await trouble(session) for trouble in state.troubles]
        await state.feed.poll()
    except DATABASE_ERRORS as error:
        return {"database": type(error).__name__}, []
    checks = {"database": "ok", "migrations": "ok" if heads == state.migration_heads else "not at head"}
    held = (locks_of(each).trouble() for each in (state.sessions, state.background.sessions))
    troubles = dict.fromkeys((skew, state.feed.trouble(), *held, *found))
    return checks, [trouble for trouble in troubles if trouble]


def clock_skew(before: datetime, database: datetime, after: datetime) -> str | None:
    """How wrong this machine's clock is, in words; it was read before and after the database's. None: 5 s or less."""
    if before - database > _SKEW:
        return f"This machine's clock is {(before - database).total_seconds():.0f} s ahead of the database's"
    if database - after > _SKEW:
        return f"This machine's clock is {(database - after).total_seconds():.0f} s behind the database's"
    return None


def may_see(request: Request, state: State) -> bool:
    """Whether the caller shows the key of the metrics; everybody may see where there is none."""
    wanted = state.settings.metrics_key.get_secret_value()
    shown = key_of(request)
    return not wanted or (
        shown is not None and shown.carrier == "bearer" and compare_digest(shown.text.encode(), wanted.encode())
    )


@router.get("/metrics", scope=None, response_class=Response, responses=public_responses(Unauthorized))
async def get_metrics(request: Request, state: StateDep) -> Response:
    """Get the metrics of this process.

    In the text format of Prometheus or OpenMetrics. Where `HELIODESK_METRICS_KEY` is set, it is needed as a bearer
    token.
    """
    if not may_see(request, state):
        raise Unauthorized(_("The metrics need the key of the setting HELIODESK_METRICS_KEY"))
    text, media_type = await state.metrics.exposition.text(request.headers.get("accept", ""))
    return Response(text, media_type=media_type)


def problem_types(base: type[Problem] = Problem) -> dict[str, type[Problem]]:
    """Every kind of problem by its slug; of several with one slug the base of the others."""
    found = {base.slug: base}
    for kind in base.__subclasses__():
        found = problem_types(kind) | found
    return found


@router.get(
    "/problems/{slug}",
    scope=None,
    response_model=ProblemType,
    responses=public_responses(NotFound, Invalid, TooManyRequests) | {200: {"content": {"text/html": _PAGE}}},
)
async def get_problem_type(request: Request, slug: str, language: LanguageDep) -> Response:
    """Get a problem type.

    The page behind the `type` of a problem document: JSON, or HTML for clients that prefer it, in the language of
    `Accept-Language`.
    """
    kind = problem_types().get(slug)
    if kind is None:
        raise NotFound(_("There is no problem type of this name"))
    told = kind().document(language=language) | {"description": kind.meaning.to(language)}
    headers = PUBLIC | {"Vary": "Accept, Accept-Language", "Content-Language": language}
    if not wants_page(request.headers.get("accept", "")):
        return reply(told, headers=headers)
    body = f"<p>{escape(told['description'])}</p><p><code>{told['status']} {told['type']}</code></p>"
    html = page(told["title"], body, language)
    return HTMLResponse(html, headers=headers | page_policy(html, img=[ICON]))
