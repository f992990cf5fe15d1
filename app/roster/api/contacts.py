"""``/v1/engineers/{id}/contact-methods`` and ``/notification-rules``: how an engineer is paged."""

from math import ceil
from typing import Annotated, Any, Final

from fastapi import Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now, monotonic
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.ids import new_id
from app.core.limits.buckets import Rate
from app.core.limits.callers import rate_fields
from app.core.problems import (
    Conflict,
    Fault,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    QuotaExceeded,
    RequestInFlight,
    TooManyRequests,
    message_of,
)
from app.core.schemas import Listing
from app.core.settings import Unconfigurable
from app.core.state import State, StateDep
from app.core.text.messages import _
from app.core.web.deps import PrincipalDep
from app.core.web.http import Router, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.paging import PageDep, listing
from app.events.envelope import instant
from app.paging import methods
from app.paging.methods import method_document, rule_document
from app.paging.pager import said
from app.paging.quotas import METHODS, RULES
from app.paging.schemas import (
    ContactMethodCreate,
    ContactMethodDocument,
    MethodId,
    NotificationRuleCreate,
    NotificationRuleDocument,
    RuleId,
    TestPageDocument,
)
from app.paging.texts import test_text
from app.paging.ways import Method, Ways
from app.roster.queries import own_engineer
from app.roster.schemas import EngineerId

router = Router(prefix="/v1/engineers/{engineer_id}", tags=["Roster"])
TEST_PAGES: Final = Rate("test_pages", 5)
_EngineerPath = Annotated[EngineerId, Path(description="The engineer's id")]
_CREATED: Final = responses(NotFound, Conflict, QuotaExceeded, RequestInFlight, IdempotencyMismatch)


@router.post(
    "/contact-methods",
    scope="engineers:write",
    status_code=201,
    response_model=ContactMethodDocument,
    responses=responses(NotFound, QuotaExceeded, RequestInFlight, IdempotencyMismatch),
    openapi_extra=IDEMPOTENT,
)
async def create_contact_method(
    request: Request, state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, body: ContactMethodCreate
) -> Response:
    """Create a contact method.

    A way to page this engineer, with an admin's key or the engineer's own. Nothing is sent to it until a notification
    rule says so. Apprise addresses are of the kinds that the operator allows (`HELIODESK_APPRISE_KINDS`).
    """

    async def may(session: AsyncSession) -> None:
        await own_engineer(session, principal, engineer_id, lock=True)

    async def work(session: AsyncSession) -> Answer:
        await may(session)
        _check_target(state, body)
        await take_place(session, METHODS, state.settings, engineer_id)
        made = await methods.create_method(session, engineer_id, body, now=await database_now(session))
        return Answer(method_document(made))

    return await once(request, state, principal, work, may=may)


@router.get(
    "/contact-methods",
    scope="engineers:read",
    response_model=Listing[ContactMethodDocument],
    responses=responses(NotFound),
)
async def list_contact_methods(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, engineer_id: _EngineerPath
) -> Response:
    """List contact methods.

    The oldest first, without their secrets. With an admin's key, or the engineer's own.
    """
    async with state.sessions() as session:
        await own_engineer(session, principal, engineer_id)
        rows = await methods.methods_page(session, engineer_id, page)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=method_document)


@router.delete(
    "/contact-methods/{method_id}",
    scope="engineers:write",
    status_code=204,
    response_class=Response,
    responses=responses(NotFound),
)
async def delete_contact_method(
    state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, method_id: MethodId
) -> Response:
    """Delete a contact method.

    And the rules that use it. An engineer who has no rules left gets alerts by e-mail at once.
    """
    async with transaction(state.sessions) as session:
        await own_engineer(session, principal, engineer_id, lock=True)
        await methods.delete_method(session, engineer_id, method_id)
    return Response(status_code=204)


@router.post(
    "/contact-methods/{method_id}/test",
    scope="engineers:write",
    response_model=TestPageDocument,
    responses=responses(NotFound),
)
async def send_test_page(
    state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, method_id: MethodId
) -> Response:
    """Send a test page.

    At once, to this contact method; the answer says whether it was taken. At most five a minute for an engineer.
    """
    async with transaction(state.sessions) as session:
        engineer = await own_engineer(session, principal, engineer_id)
        found = await methods.method_by_id(session, engineer_id, method_id)
        method = Method(found.kind, found.target, found.service_region)
        now = await database_now(session)
    _take_test_page(state, engineer_id)
    text = test_text(new_id("tst"), instant(now), ",".join(engineer.languages))
    try:
        await Ways(state.settings, state.http).send(method, text)
    except Exception as error:  # noqa: BLE001  whatever the service or its library says
        return reply({"state": "failed", "error": said(error)})
    return reply({"state": "sent", "error": None})


@router.post(
    "/notification-rules",
    scope="engineers:write",
    status_code=201,
    response_model=NotificationRuleDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_notification_rule(
    request: Request, state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, body: NotificationRuleCreate
) -> Response:
    """Create a notification rule.

    By which method this engineer is paged, and how long after the alert if it is not answered by then. With an admin's
    key, or the engineer's own. Where no rule holds for an alert's urgency, the engineer gets e-mail at once.
    """

    async def may(session: AsyncSession) -> None:
        await own_engineer(session, principal, engineer_id, lock=True)

    async def work(session: AsyncSession) -> Answer:
        await may(session)
        await take_place(session, RULES, state.settings, engineer_id)
        made = await methods.create_rule(session, engineer_id, body, now=await database_now(session))
        return Answer(rule_document(made))

    return await once(request, state, principal, work, may=may)


@router.get(
    "/notification-rules",
    scope="engineers:read",
    response_model=Listing[NotificationRuleDocument],
    responses=responses(NotFound),
)
async def list_notification_rules(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, engineer_id: _EngineerPath
) -> Response:
    """List notification rules.

    The oldest first. With an admin's key, or the engineer's own.
    """
    async with state.sessions() as session:
        await own_engineer(session, principal, engineer_id)
        rows = await methods.rules_page(session, engineer_id, page)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=rule_document)


@router.delete(
    "/notification-rules/{rule_id}",
    scope="engineers:write",
    status_code=204,
    response_class=Response,
    responses=responses(NotFound),
)
async def delete_notification_rule(
    state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, rule_id: RuleId
) -> Response:
    """Delete a notification rule.

    For the alerts to come: pages that are due later for one that is open go on.
    """
    async with transaction(state.sessions) as session:
        await own_engineer(session, principal, engineer_id, lock=True)
        await methods.delete_rule(session, engineer_id, rule_id)
    return Response(status_code=204)


def _check_target(state: State, body: ContactMethodCreate) -> None:
    if body.kind != "apprise":
        return
    try:
        Ways(state.settings, state.http).check_apprise(body.target)
    except Unconfigurable as error:
        raise Invalid(errors=[Fault(pointer="/target", detail=message_of(error))]) from error


def _take_test_page(state: State, engineer_id: str) -> None:
    """Count a test page. 429 beyond the rate."""
    rates, now = state.limits.rates, monotonic()
    bucket = rates.bucket(TEST_PAGES, engineer_id)
    if not bucket.left(now):
        headers = {"Retry-After": str(max(1, ceil(bucket.wait(now))))} | rate_fields([bucket], now)
        facts: dict[str, Any] = {"quota": TEST_PAGES.name, "value": TEST_PAGES.amount, "used": TEST_PAGES.amount}
        raise TooManyRequests(_("An engineer gets at most five test pages a minute"), headers=headers, **facts)
    rates.take(bucket)
