"""What is done with hooks and their receipts: made, changed, given a new secret, processed again, tried."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.key_schemas import NewKey
from app.accounts.models import AccountRow, ApiKeyRow
from app.accounts.terms import plan_in_force
from app.accounts.usecases.keys import create_key, delete_key
from app.core.auth import Principal
from app.core.db.session import driver, memory_of, ring_after_commit
from app.core.db.statements.housekeeping import BATCH
from app.core.ids import unguessable_id
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.schemas.mailboxes import STORED
from app.core.schemas.shared import pointer
from app.core.text.messages import _, from_stored
from app.inbound.formats.signatures import CARRIERS, SIGNED
from app.inbound.models import HookPayloadsRow, HookRow, ReceiptRow
from app.inbound.schemas import Format, HookFields, Urgent
from app.plans import store
from app.plans.document.model import PlanDocument
from app.plans.document.naming import plan_name
from app.tickets.rules import priority_faults
from app.webhooks.rules.signing import make_secret

_PATHS: Final[Mapping[Format, str]] = {
    "alertmanager": "/alertmanager",
    "grafana": "/grafana",
    "pagerduty": "/v2/enqueue",
    "cloudevents": "/cloudevents",
    "email": "/email",
}
"""What follows in the address for a format. Without it, what the hook's own address takes is in the hook's format."""
_DEFAULTS: Final = HookFields(name="-").model_dump(mode="json", exclude={"name", "signature"})
"""What holds of a hook that an earlier version stored, which knew fewer fields."""
_FACTS: Final = (
    *("id", "account_id", "hook_id", "format", "state", "received_at", "processed_at", "size"),
    *("maintenance_window_id", "left_out", "signals"),
)
"""The members of a receipt that its row has under their names."""
_ACTIONS: Final = {"told": "notified"}
"""What earlier versions have stored, by today's word."""
_PAYLOADS: Final = 500
"""Receipts that are removed with their hook; with their payloads, each takes much longer than another row."""
_OF_HOOK: Final = {
    "receipts": _PAYLOADS,
    "hook_payloads": 1,
    "incidents": BATCH,
    "incident_alerts": BATCH,
    "silenced_alerts": BATCH,
}
_REMOVE: Final = [
    f"""
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE account_id = $1 AND hook_id = $2 LIMIT {most} FOR UPDATE SKIP LOCKED
))"""  # noqa: S608  our own words
    for table, most in _OF_HOOK.items()
]
_IN_FORCE: Final = 2
"""Secrets that hold at once: the new one and the one before, so that a sender can be changed without a gap."""


def ingest_url(hook_id: str, name: Format) -> str:
    """Where what is in this format is posted."""
    return f"/v1/ingest/{hook_id}{_PATHS.get(name, '')}"


def hook_document(hook: HookRow, secret: str | None = None, payloads: HookPayloadsRow | None = None) -> dict[str, Any]:
    """The public form; ``secret`` only where it is shown for the one time. ``payloads``: where it has kept any."""
    expressions = _DEFAULTS["expressions"] | hook.fields.get("expressions", {})
    document = {
        "id": hook.id,
        "account_id": hook.account_id,
        **_DEFAULTS,
        **hook.fields,
        "expressions": expressions,
        "url": ingest_url(hook.id, hook.fields["format"]),
        "kept_bytes": payloads.bytes if payloads else 0,
        "refused_at": payloads.refused_at if payloads else None,
        "version": hook.version,
        "created_at": hook.created_at,
        "updated_at": hook.updated_at,
    }
    return document | ({"secret": secret} if secret else {})


def receipt_document(receipt: ReceiptRow, principal: Principal) -> dict[str, Any]:
    """The public form of a receipt, without its payload.

    What an e-mail carried is named to support alone: it may have become an internal note.
    """
    facts, messages = {name: getattr(receipt, name) for name in _FACTS}, receipt.messages or {}
    error = None if receipt.error is None else from_stored(receipt.error, messages.get("error"))
    stored = messages.get("omissions", [])
    if len(stored) != len(receipt.omissions):
        stored = [None] * len(receipt.omissions)
    is_hidden = receipt.format == "email" and not principal.is_support
    kept = [
        each
        for each in zip(receipt.omissions, stored, strict=True)
        if not is_hidden or (each[1] is not None and not each[1]["facts"])
    ]
    omissions = [from_stored(*each) for each in kept]
    touched = [one | {"action": _ACTIONS.get(one["action"], one["action"])} for one in receipt.tickets]
    return facts | {"error": error, "omissions": omissions, "tickets": touched}


def payload_document(receipt: ReceiptRow, principal: Principal) -> dict[str, Any]:
    """The public form that its payload is added to. 403 for who may not read e-mails."""
    if receipt.format == "email" and not principal.is_support:
        raise Forbidden(_("Only admin and agent keys can read e-mails as they came"))
    return receipt_document(receipt, principal) | {"headers": receipt.headers}


async def create_hook(
    session: AsyncSession, fields: HookFields, account: AccountRow, *, now: datetime
) -> tuple[HookRow, str | None]:
    """A new hook and its key or secret. 422 for priorities that the account's plan does not know."""
    await check_urgency(session, account, fields, now=now)
    hook = HookRow(
        account_id=account.account_id,
        id=unguessable_id("hook"),
        fields=_stored(fields),
        secrets=[],
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(hook)
    await session.flush()
    return hook, await _admit(session, hook, fields, now=now)


async def update_hook(
    session: AsyncSession, hook: HookRow, fields: HookFields, account: AccountRow, *, now: datetime
) -> str | None:
    """Write the fields. A scheme that has no secret yet gets one: the new secret, else None.

    422 as when it is made, and where it would have other accounts' e-mails than before: who knows its key could make
    them up, and who reads its receipts would read them.
    """
    if fields.mail.accounts != hook.fields.get("mail", {}).get("accounts", "own"):
        detail = _("Whose e-mails a hook takes is set when it is created: create another hook")
        raise Invalid(errors=[Fault(pointer=pointer(["mail", "accounts"]), detail=detail)])
    await check_urgency(session, account, fields, now=now)
    another = fields.signature.scheme != hook.fields["signature"]["scheme"]
    hook.fields = _stored(fields)
    if another:
        hook.secrets = []  # each scheme has secrets of its own form
    needs = another or fields.signature.secret is not None
    secret = await _admit(session, hook, fields, now=now) if needs else None
    await _touch(session, hook, now)
    return secret


async def rotate_secret(session: AsyncSession, hook: HookRow, *, now: datetime) -> str | None:
    """A new key or secret; the one before holds until the next rotation. 409 for a hook that needs none."""
    fields = HookFields.model_validate(hook.fields, context=STORED)
    if fields.signature.scheme == "none":
        raise Conflict(_("The hook accepts any payload: it has no key and no secret to replace"))
    secret = await _admit(session, hook, fields, now=now)
    await _touch(session, hook, now)
    return secret


async def delete_hook(session: AsyncSession, hook: HookRow, *, now: datetime) -> None:
    """Remove a hook with its receipts, and what is remembered of its alerts; its keys are revoked, its tickets stay.

    Of very many, ``make_room`` drops the rest: nobody sees it. What somebody holds is not waited for.
    """
    for key in await _keys(session, hook):
        await delete_key(session, key, now=now)
    connection = await driver(session)
    for statement in _REMOVE:
        await connection.execute(statement, hook.account_id, hook.id)
    await session.delete(hook)
    await session.flush()


async def process_again(session: AsyncSession, receipt: ReceiptRow) -> None:
    """Let a failed receipt have its turn again, before those that came after it. 409 in any other state."""
    if receipt.state != "failed":
        raise Conflict(_("The receipt is {state}: only a failed one is processed again", state=receipt.state))
    receipt.state, receipt.error, receipt.processed_at = "pending", None, None
    await session.flush()
    ring_after_commit(session, "receipts")


def check_reach(principal: Principal, fields: HookFields, account_id: str) -> None:
    """403 for a hook of the e-mails of all accounts that is not support's, 422 for domains of others."""
    rules = fields.mail
    if rules.accounts == "all":
        if not principal.spans_accounts:
            raise Forbidden(_("Only support sets up a hook for the e-mails of all accounts"))
        return
    for domain, owner in rules.domains.items():
        if owner != account_id:
            detail = _("A hook for an account's e-mails can only have that account's domains")
            raise Invalid(errors=[Fault(pointer=pointer(["mail", "domains", domain]), detail=detail)])


async def check_urgency(session: AsyncSession, account: AccountRow, fields: HookFields, *, now: datetime) -> None:
    """422 unless the plan that holds for the hook's product knows each priority, and has the matrix that is needed."""
    document = await plan_of(session, account, fields.product, now)
    faults = _urgency_faults(document, fields, "")
    for index, rule in enumerate(fields.mapping):
        faults += _urgency_faults(document, rule, pointer(["mapping", index]))
    if faults:
        raise Invalid(errors=faults)


def _urgency_faults(document: PlanDocument, urgent: Urgent, place: str) -> list[Fault]:
    faults = [fault | {"pointer": place + fault["pointer"]} for fault in priority_faults(document, urgent.priority)]
    if urgent.impact and document.matrix is None:
        detail = _("The plan {key} has no matrix of impact and urgency: name a priority", key=plan_name(document))
        faults.append(Fault(pointer=f"{place}/impact", detail=detail))
    return faults


async def plan_of(session: AsyncSession, account: AccountRow, product: str | None, now: datetime) -> PlanDocument:
    """The plan that holds for this product now; what it becomes after a trial, its tickets will find out."""

    async def newest(key: str) -> PlanDocument | None:
        version = await store.current_version(session, key)
        return None if version is None else await store.document(session, memory_of(session), key, version)

    return await plan_in_force(account, product, account.sandbox_now or now, newest)


def _stored(fields: HookFields) -> dict[str, Any]:
    """The fields as they are kept: secrets lie apart."""
    document = fields.model_dump(include=set(HookFields.model_fields))
    written = HookFields.model_validate(document, context=STORED)
    return written.model_dump(mode="json", exclude={"signature": {"secret"}})


async def _admit(session: AsyncSession, hook: HookRow, fields: HookFields, *, now: datetime) -> str | None:
    """A new key or secret for the scheme in force; of the older ones only the newest stays. The caller may show it."""
    signature = fields.signature
    if signature.scheme in SIGNED:
        secret = signature.secret or make_secret()
        hook.secrets = [secret, *hook.secrets][:_IN_FORCE]
        return None if signature.secret else secret
    if signature.scheme not in CARRIERS:
        return None
    for older in (await _keys(session, hook))[_IN_FORCE - 1 :]:
        await delete_key(session, older, now=now)
    command = NewKey(kind="hook", account_id=hook.account_id, hook_id=hook.id, label=fields.name[:100])
    return (await create_key(session, command, now=now))[1]


async def _keys(session: AsyncSession, hook: HookRow) -> list[ApiKeyRow]:
    """The hook's own keys in force, newest first."""
    query = select(ApiKeyRow).where(ApiKeyRow.hook_id == hook.id, ApiKeyRow.revoked_at.is_(None))
    return list((await session.scalars(query.order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id.desc()))).all())


async def _touch(session: AsyncSession, hook: HookRow, now: datetime) -> None:
    hook.version, hook.updated_at = hook.version + 1, now
    await session.flush()
