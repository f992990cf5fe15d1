"""Contact methods and notification rules of an engineer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.statements.rows import row_by_id
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import _
from app.core.web.kit.paging import Page, in_order
from app.paging.models import ContactMethodRow, NotificationRuleRow
from app.paging.schemas import (
    ContactMethod,
    NewContactMethod,
    NewNotificationRule,
    NotificationRule,
)


async def create_method(
    session: AsyncSession, engineer_id: str, command: NewContactMethod, *, now: datetime
) -> ContactMethodRow:
    """A new contact method; the caller has checked its target, and taken its place."""
    method = ContactMethodRow(
        id=new_id("cmt"), engineer_id=engineer_id, created_at=now, **command.model_dump(include=set(_WRITTEN))
    )
    session.add(method)
    await session.flush()
    return method


_WRITTEN: Final = ("kind", "name", "target", "service_region")


async def methods_page(session: AsyncSession, engineer_id: str, page: Page) -> Sequence[ContactMethodRow]:
    """A page of an engineer's contact methods, the oldest first, and one more."""
    return await in_order(session, ContactMethodRow, page, engineer_id=engineer_id)


async def method_by_id(session: AsyncSession, engineer_id: str, method_id: str) -> ContactMethodRow:
    """The engineer's contact method; 404 when there is none of this id."""
    return await row_by_id(session, ContactMethodRow, method_id, engineer_id=engineer_id)


async def delete_method(session: AsyncSession, engineer_id: str, method_id: str) -> None:
    """Remove a contact method and the rules that use it; pages that are not sent yet are skipped."""
    method = await method_by_id(session, engineer_id, method_id)
    await session.execute(delete(NotificationRuleRow).where(NotificationRuleRow.method_id == method_id))
    await session.delete(method)
    await session.flush()


async def create_rule(
    session: AsyncSession, engineer_id: str, command: NewNotificationRule, *, now: datetime
) -> NotificationRuleRow:
    """A new rule; the caller holds the engineer's row, and has taken its place.

    422 for a method that is not this engineer's; 409 for a rule that exists.
    """
    method = await session.get(ContactMethodRow, command.method_id)
    if method is None or method.engineer_id != engineer_id:
        raise Invalid(errors=[Fault(pointer="/method_id", detail=_("The engineer has no such contact method"))])
    seconds = int(command.after.total_seconds())
    same = select(NotificationRuleRow.id).where(
        NotificationRuleRow.engineer_id == engineer_id,
        NotificationRuleRow.urgency == command.urgency,
        NotificationRuleRow.method_id == command.method_id,
        NotificationRuleRow.after_seconds == seconds,
    )
    if existing := await session.scalar(same):
        raise Conflict(_("The engineer already has this rule"), rule=existing)
    rule = NotificationRuleRow(
        id=new_id("nru"),
        engineer_id=engineer_id,
        method_id=command.method_id,
        urgency=command.urgency,
        after_seconds=seconds,
        created_at=now,
    )
    session.add(rule)
    await session.flush()
    return rule


async def rules_page(session: AsyncSession, engineer_id: str, page: Page) -> Sequence[NotificationRuleRow]:
    """A page of an engineer's rules, the oldest first, and one more."""
    return await in_order(session, NotificationRuleRow, page, engineer_id=engineer_id)


async def delete_rule(session: AsyncSession, engineer_id: str, rule_id: str) -> None:
    """Remove a rule. Pages that it has made already go on."""
    await session.delete(await row_by_id(session, NotificationRuleRow, rule_id, engineer_id=engineer_id))
    await session.flush()


def method_document(method: ContactMethodRow) -> dict[str, Any]:
    """The contact method as the API shows it: without its secret."""
    facts = {name: getattr(method, name) for name in ("id", "engineer_id", "kind", "name", "service_region")}
    target = {"email": method.target, "apprise": f"{method.target.partition('://')[0]}://***"}.get(method.kind, "***")
    return ContactMethod(**facts, target=target, created_at=method.created_at).model_dump()


def rule_document(rule: NotificationRuleRow) -> dict[str, Any]:
    """The rule as the API shows it."""
    facts = {name: getattr(rule, name) for name in ("id", "engineer_id", "method_id", "urgency", "created_at")}
    after = timedelta(seconds=rule.after_seconds)
    return NotificationRule.model_construct(**facts, after=after).model_dump()
