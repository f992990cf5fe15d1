"""``/v1/priorities``: what the priorities of a plan mean, and which one a ticket would get."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.usecases.own_plan import OwnPlan, newest_version, plan_of_account
from app.core.auth import Principal
from app.core.problems import Fault, Forbidden, Invalid, NotFound
from app.core.schemas.shared import Locale, Word
from app.core.text.messages import _
from app.core.web.kit.deps import LanguageDep
from app.core.web.kit.operations import CallDep, Document, ResourceRouter
from app.core.web.kit.visits import EVERYBODY
from app.plans.document import priorities
from app.plans.document.words import PlanKey
from app.plans.schemas import Assessment, AssessmentRequest, Priorities, as_plan

router = ResourceRouter("plans", prefix="/v1", tags=["Plans"])


@router.show("/priorities", Priorities, summary="Get a plan's priorities", problems=[NotFound], visitors=EVERYBODY)
async def get_priorities(
    call: CallDep,
    accepted: LanguageDep,
    plan: Annotated[
        PlanKey | None, Query(description="The plan's key. Default: the plan of the account whose key this is")
    ] = None,
    product: Annotated[Word | None, Query(description="For the account's plan of this product")] = None,
    lang: Annotated[
        Locale | None, Query(description="The language; default: the one that the browser asks for")
    ] = None,
) -> Response:
    """What each priority means, with examples, its targets and the best way to get in touch; and the matrix."""

    async def describe(session: AsyncSession) -> Document:
        found = await _plan(session, call.principal, plan, product, "#/query/plan")
        if found is None:
            raise NotFound(_("There is no plan {key}", key=plan))
        return {"plan": as_plan(found.key, found.version), **priorities.described(found.document, lang or accepted)}

    return await call.read(describe)


@router.action("/priorities/assess", Assessment, scope="plans:read", summary="Assess a priority", visitors=EVERYBODY)
async def assess_priority(call: CallDep, accepted: LanguageDep, assessment: AssessmentRequest) -> Response:
    """The priority that the plan's matrix gives for an urgency and an impact, else its default one. Writes nothing."""

    async def assess(session: AsyncSession) -> Document:
        plan = assessment.plan
        found = await _plan(session, call.principal, plan, assessment.product, "/plan")
        if found is None:
            raise Invalid(errors=[Fault(pointer="/plan", detail=_("There is no plan {plan}", plan=plan))])
        result = priorities.assessed(found.document, assessment.impact, assessment.urgency, accepted)
        return {"plan": as_plan(found.key, found.version), **result}

    return await call.read(assess)


async def _plan(
    session: AsyncSession, principal: Principal, named: str | None, product: str | None, place: str
) -> OwnPlan | None:
    """The plan that is named, else that of the caller's account; None where the one that is named does not exist.

    422 where neither is known; 403 for visitors who name another plan than their account's.
    """
    if named is not None and principal.visitor is None:
        return await newest_version(session, named)
    if principal.account_id is None:
        raise Invalid(errors=[Fault(pointer=place, detail=_("An admin's or agent's key names the plan"))])
    own = await plan_of_account(session, principal.account_id, product)
    if named not in (None, own.key):
        raise Forbidden(_("Visitors can only see their own account's plan"))
    return own
