"""``/v1/engineers/{id}/contact-methods`` and ``/notification-rules``: how an engineer is paged."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import ceil
from typing import Annotated, Any, Final

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now, monotonic
from app.core.db.session import transaction
from app.core.ids import new_id
from app.core.limits.buckets import Rate
from app.core.limits.callers import rate_fields
from app.core.limits.places import take_place
from app.core.problems import Conflict, Fault, Invalid, QuotaExceeded, TooManyRequests, message_of
from app.core.settings import Unconfigurable
from app.core.state import State
from app.core.text.messages import _
from app.core.web.kit.operations import Call, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep, made
from app.core.web.replies import reply
from app.events.envelope import instant
from app.paging import methods
from app.paging.methods import method_document, rule_document
from app.paging.models import ContactMethodRow, NotificationRuleRow
from app.paging.pager import said
from app.paging.quotas import METHODS, RULES
from app.paging.schemas import (
    ContactMethod,
    MethodId,
    NewContactMethod,
    NewNotificationRule,
    NotificationRule,
    RuleId,
    TestPageResult,
)
from app.paging.texts import test_text
from app.paging.ways import Method, Ways
from app.roster.models import EngineerRow
from app.roster.queries import own_engineer
from app.roster.schemas import EngineerId

router = ResourceRouter("engineers", prefix="/v1/engineers/{engineer_id}", tags=["Roster"])
TEST_PAGES: Final = Rate("test_pages", 5)
_EngineerPath = Annotated[EngineerId, Path(description="The engineer's id")]


@router.create("/contact-methods", ContactMethod, problems=[QuotaExceeded])
async def create_contact_method(call: CallDep, engineer_id: _EngineerPath, body: NewContactMethod) -> Response:
    """Create a contact method.

    A way to page this engineer, with an admin's key or the engineer's own. Nothing is sent to it until a notification
    rule uses it. Apprise addresses are of the kinds that the operator allows (`HELIODESK_APPRISE_KINDS`).
    """

    async def create(session: AsyncSession, _: EngineerRow) -> Document:
        _check_target(call.state, body)
        await take_place(session, METHODS, call.state.settings, engineer_id)
        return method_document(await methods.create_method(session, engineer_id, body, now=await database_now(session)))

    return await call.once_as(_engineer(call, engineer_id), create)


@router.list("/contact-methods", ContactMethod)
async def list_contact_methods(call: CallDep, page: PageDep, engineer_id: _EngineerPath) -> Response:
    """List contact methods.

    The oldest first, without their secrets. With an admin's key, or the engineer's own.
    """

    async def query(session: AsyncSession) -> Sequence[ContactMethodRow]:
        await own_engineer(session, call.principal, engineer_id)
        return await methods.methods_page(session, engineer_id, page)

    return await call.page(page, query, place=made, document=method_document)


@router.delete("/contact-methods/{method_id}")
async def delete_contact_method(call: CallDep, engineer_id: _EngineerPath, method_id: MethodId) -> Response:
    """Delete a contact method.

    The rules that use it are deleted too. An engineer who has no rules left gets alerts by e-mail at once.
    """

    async def delete(session: AsyncSession) -> None:
        await own_engineer(session, call.principal, engineer_id, lock=True)
        await methods.delete_method(session, engineer_id, method_id)

    return await call.delete(delete)


@router.action("/contact-methods/{method_id}/test", TestPageResult)
async def send_test_page(call: CallDep, engineer_id: _EngineerPath, method_id: MethodId) -> Response:
    """Send a test page.

    At once, to this contact method; the answer says whether it was accepted. At most five a minute for an engineer.
    """
    state = call.state
    async with transaction(state.sessions) as session:
        engineer = await own_engineer(session, call.principal, engineer_id)
        found = await methods.method_by_id(session, engineer_id, method_id)
        method = Method(found.kind, found.target, found.service_region)
        now = await database_now(session)
    _take_test_page(state, engineer_id)
    text = test_text(new_id("tst"), instant(now), ",".join(engineer.languages))
    try:
        await Ways(state.settings, state.http).send(method, text)
    except Exception as error:  # noqa: BLE001  whatever the service or its library says
        return reply({"state": "failed", "error": said(error)}, request=call.request)
    return reply({"state": "sent", "error": None})


@router.create("/notification-rules", NotificationRule, problems=[Conflict, QuotaExceeded])
async def create_notification_rule(call: CallDep, engineer_id: _EngineerPath, body: NewNotificationRule) -> Response:
    """Create a notification rule.

    By which method this engineer is paged, and how long after the alert if it is not answered by then. With an admin's
    key, or the engineer's own. Where no rule holds for an alert's urgency, the engineer gets e-mail at once.
    """

    async def create(session: AsyncSession, _: EngineerRow) -> Document:
        await take_place(session, RULES, call.state.settings, engineer_id)
        return rule_document(await methods.create_rule(session, engineer_id, body, now=await database_now(session)))

    return await call.once_as(_engineer(call, engineer_id), create)


@router.list("/notification-rules", NotificationRule)
async def list_notification_rules(call: CallDep, page: PageDep, engineer_id: _EngineerPath) -> Response:
    """List notification rules.

    The oldest first. With an admin's key, or the engineer's own.
    """

    async def query(session: AsyncSession) -> Sequence[NotificationRuleRow]:
        await own_engineer(session, call.principal, engineer_id)
        return await methods.rules_page(session, engineer_id, page)

    return await call.page(page, query, place=made, document=rule_document)


@router.delete("/notification-rules/{rule_id}")
async def delete_notification_rule(call: CallDep, engineer_id: _EngineerPath, rule_id: RuleId) -> Response:
    """Delete a notification rule.

    For future alerts: pages that are still due for an open alert are sent all the same.
    """

    async def delete(session: AsyncSession) -> None:
        await own_engineer(session, call.principal, engineer_id, lock=True)
        await methods.delete_rule(session, engineer_id, rule_id)

    return await call.delete(delete)


def _engineer(call: Call, engineer_id: str) -> Callable[[AsyncSession], Awaitable[EngineerRow]]:
    """The engineer, their row held, for those who may decide about them."""
    return partial(own_engineer, principal=call.principal, engineer_id=engineer_id, lock=True)


def _check_target(state: State, body: NewContactMethod) -> None:
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
