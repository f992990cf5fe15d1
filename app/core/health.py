"""``/healthz``, ``/readyz``, ``/metrics``, and the page of each problem type."""

from typing import Any

from fastapi import Request, Response
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, Field
from sqlalchemy import text

from app.core.clock import monotonic
from app.core.db import DATABASE_ERRORS
from app.core.http import Router, public_responses, reply
from app.core.problems import Invalid, NotFound, Problem, Unavailable
from app.core.schemas import Document
from app.core.state import State, StateDep

router = Router(tags=["Operations"])


class Health(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Readiness(Document):
    """What the process needs in order to serve."""

    status: str = Field(
        examples=["ready"], description="`ready`, `degraded` (serves, but something is missing) or `not ready`"
    )
    checks: dict[str, str] = Field(examples=[{"database": "ok", "migrations": "ok", "sweep": "ok"}])
    degraded: list[str] = Field(description="What does not work, in words", examples=[[]])


class ProblemType(BaseModel):
    """What a problem's ``type`` means."""

    type: str = Field(examples=["/problems/not-found"])
    title: str = Field(examples=["There is no such resource"])
    status: int = Field(examples=[404])
    description: str = Field(examples=["there is no such resource, or it belongs to another account."])


@router.get("/healthz", response_model=Health)
async def healthz() -> Response:
    """Tell whether the process is alive.

    Answers as long as the event loop turns, and looks at nothing else.
    """
    return reply({"status": "ok"})


@router.get(
    "/readyz",
    response_model=Readiness,
    responses=public_responses(Unavailable),
)
async def readyz(state: StateDep) -> Response:
    """Tell whether the process can serve.

    Yes, when the database answers, its schema is ours, and the background passes beat.
    """
    checks = await _database_checks(state)
    late = set(state.heartbeats.late(monotonic()))
    checks |= {name: "late" if name in late else "ok" for name in state.heartbeats.ages(monotonic())}
    failed = [name for name, result in checks.items() if result != "ok"]
    if failed:
        raise Unavailable(f"Not ready: {', '.join(failed)}", headers={"Retry-After": "1"}, checks=checks)
    degraded = list(state.degraded)
    return reply({"status": "degraded" if degraded else "ready", "checks": checks, "degraded": degraded})


async def _database_checks(state: State) -> dict[str, str]:
    try:
        async with state.engine.connect() as connection:
            heads = set(await connection.scalars(text("SELECT version_num FROM alembic_version")))
    except DATABASE_ERRORS as error:
        return {"database": type(error).__name__}
    return {"database": "ok", "migrations": "ok" if heads == state.migration_heads else "not at head"}


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, state: StateDep) -> Response:
    """Metrics of this process.

    In the text format of Prometheus or OpenMetrics.
    """
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(state.metrics.registry), media_type=media_type)


def problem_types(base: type[Problem] = Problem) -> dict[str, type[Problem]]:
    """Every kind of problem by its slug."""
    found = {base.slug: base}
    for kind in base.__subclasses__():
        found |= problem_types(kind)
    return found


@router.get(
    "/problems/{slug}",
    response_model=ProblemType,
    responses=public_responses(NotFound, Invalid),
)
async def problem_type(slug: str) -> Response:
    """What a problem type means.

    The page behind the `type` of a problem document.
    """
    kind = problem_types().get(slug)
    if kind is None:
        raise NotFound("There is no problem type of this name")
    return reply(_describe(kind))


def _describe(kind: type[Problem]) -> dict[str, Any]:
    description = (kind.__doc__ or "").partition(": ")[2] or kind.title
    return {"type": f"/problems/{kind.slug}", "title": kind.title, "status": kind.status, "description": description}
