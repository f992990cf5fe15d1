"""``/v1/plans``: what is promised, for people and programs to read, and for admins to change."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.problems import Fault, NotFound, TooManyRequests
from app.core.text.messages import _
from app.core.web.kit.operations import AdminCall, Call, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep
from app.core.workers.offload import owner_of
from app.plans import queries, store
from app.plans.api.bodies import SHOWN, PlanBody, PlanRoute
from app.plans.api.paths import BY_KEY
from app.plans.document.parsing import heavy
from app.plans.document.parsing.expansion import years_around
from app.plans.document.parsing.heavy import CheckedPlan, PlanText
from app.plans.document.parsing.reading import refuse
from app.plans.document.words import PlanKey
from app.plans.models import PlanVersionRow
from app.plans.schemas import (
    PlanSummary,
    PlanVersion,
    VersionSummary,
)

router = ResourceRouter("plans", prefix="/v1", tags=["Plans"])

_MAX_VERSION: Final = 2**31 - 1
Key = Annotated[PlanKey, Path(description="The plan's key")]
Number = Annotated[int, Path(ge=1, le=_MAX_VERSION, description="The version's number")]


@router.list("/plans", PlanSummary, summary="List plans")
async def list_plans(call: CallDep, page: PageDep) -> Response:
    """The plans that accounts can have, by key, each in its current version."""
    (after,) = page.place(str) or ("",)

    async def query(session: AsyncSession) -> Sequence[PlanVersionRow]:
        return await queries.current_plans(session, after, page.limit + 1)

    return await call.page(page, query, place=lambda row: (row.key,), document=_summary)


@router.create(
    "/plans",
    PlanVersion,
    summary="Create a plan's next version",
    problems=[TooManyRequests],
    body=SHOWN,
    route_class=PlanRoute,
)
async def create_plan(call: AdminCall, plan: PlanBody) -> Response:
    """The document becomes the next version of its key, and the one that new tickets get. Admin keys only.

    The same document may come as YAML, with the media type `application/yaml`. Open tickets keep the version under
    which they were opened.
    """
    return await _store(call, await _checked(call, plan))


@router.create(
    "/plans/{key}/versions",
    PlanVersion,
    summary="Create a version of a plan",
    problems=[TooManyRequests],
    body=SHOWN,
    route_class=PlanRoute,
)
async def create_plan_version(call: AdminCall, key: Key, plan: PlanBody) -> Response:
    """The same as `POST /v1/plans`, for a document that has this key. Admin keys only."""
    checked = await _checked(call, plan)
    if checked.key != key:
        raise refuse(
            Fault(
                pointer="/key",
                detail=_("The document is of the plan `{key}`, not of `{path_key}`.", key=checked.key, path_key=key),
            )
        )
    return await _store(call, checked)


async def _checked(call: Call, plan: PlanText) -> CheckedPlan:
    years = years_around(await call.ask(database_now))
    return await call.state.offload.run(owner_of(call.principal), heavy.checked, plan, years)


async def _store(call: Call, plan: CheckedPlan) -> Response:
    async def add(session: AsyncSession) -> Document:
        return version_document(await store.add_version(session, plan, await database_now(session)))

    return await call.once(add)


@router.show(BY_KEY, PlanVersion, summary="Get a plan")
async def get_plan(call: CallDep, key: Key) -> Response:
    """The plan in its current version."""

    async def get(session: AsyncSession) -> Document:
        return version_document(await queries.stored_version(session, key, await queries.current(session, key)))

    return await call.read(get)


@router.list("/plans/{key}/versions", VersionSummary, summary="List a plan's versions")
async def list_plan_versions(call: CallDep, page: PageDep, key: Key) -> Response:
    """All versions of the plan, the newest first."""
    (below,) = page.place(int) or (_MAX_VERSION,)

    async def query(session: AsyncSession) -> Sequence[PlanVersionRow]:
        rows = await queries.versions_of(session, key, min(below, _MAX_VERSION), page.limit + 1)
        if not rows and page.cursor is None:
            raise NotFound(_("There is no plan {key}", key=key))
        return rows

    return await call.page(page, query, place=lambda row: (row.version,), document=_heading)


@router.show("/plans/{key}/versions/{version}", PlanVersion, summary="Get a version of a plan")
async def get_plan_version(call: CallDep, key: Key, version: Number) -> Response:
    """The document as it was stored, with the holidays of named countries as dates."""

    async def get(session: AsyncSession) -> Document:
        return version_document(await queries.stored_version(session, key, version))

    return await call.read(get)


def _heading(row: PlanVersionRow) -> dict[str, Any]:
    return {"key": row.key, "version": row.version, "created_at": row.created_at, "archived_at": row.archived_at}


def _summary(row: PlanVersionRow) -> dict[str, Any]:
    return {"key": row.key, "version": row.version, "name": row.document["name"], "created_at": row.created_at}


def version_document(row: PlanVersionRow) -> dict[str, Any]:
    """A ``PlanVersion``."""
    return _heading(row) | {"document": row.document}
