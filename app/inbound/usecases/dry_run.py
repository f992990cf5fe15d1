"""What a payload would do, without doing it: for whoever writes a hook's mapping."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.core.clock import database_now
from app.core.ids import new_id
from app.core.problems import Fault, Invalid
from app.core.schemas.mailboxes import STORED
from app.core.text.language import Language, choose_language
from app.core.text.messages import Message, _
from app.core.workers.offload import Offload
from app.inbound.decisions import Step
from app.inbound.formats.signal import Batch, Unreadable
from app.inbound.maintenance.kept import Came
from app.inbound.mapping import mapped, title_of
from app.inbound.models import HookRow
from app.inbound.readings import Payload
from app.inbound.schemas import HookFields, TrialPayload
from app.inbound.setting import setting_of
from app.inbound.usecases.hooks import plan_of
from app.inbound.usecases.judge import judge
from app.plans.document.model import PlanDocument
from app.tickets.rules import assess

_KEYS: Final[Mapping[str, Message]] = {
    "content": _("the bytes of the payload"),
    "receipt": _("the receipt's id"),
    "event": _("the event's source and id"),
}
_WARNINGS: Final[Mapping[str, Message]] = {
    "content": _(
        "No later payload can resolve this alert: it has neither a key nor a title, so it is identified by its bytes, "
        "and those of a resolve differ. Send a key, or set the expression `key`"
    ),
    "receipt": _(
        "Only a resolve with the `dedup_key` from the answer to this event can resolve this alert. Send a `dedup_key` "
        "of your own"
    ),
    "event": _(
        "No later event can resolve this alert, since each has an id of its own. Set the expression `key`, for "
        "example {example}"
    ).given(example="`join('/', [source, subject])`"),
}
_WORDS = {"open": "opened", "reopen": "reopened", "tell": "notified"}


async def tried_batch(offload: Offload, owner: str, fields: HookFields, tried: TrialPayload) -> Batch:
    """The signals of a payload. 422 for one that cannot be read; in the name of ``owner`` where it takes long."""
    body, name = orjson.dumps(tried.payload), tried.format or fields.format
    payload = Payload(name, body, tried.headers, new_id("rcp"), fields.interpretation)
    try:
        return payload.quickly() or await payload.slowly(offload, owner)
    except Unreadable as error:
        raise Invalid(errors=[Fault(pointer="/payload", detail=error.reason)]) from error


async def what_would_be(session: AsyncSession, hook: HookRow, account: AccountRow, batch: Batch) -> dict[str, Any]:
    """What each alert of a payload is, and what would be done to which ticket."""
    fields = HookFields.model_validate(hook.fields, context=STORED)
    now = await database_now(session)
    came = Came(hook.account_id, hook.id, now)
    setting = setting_of(fields, account.sandbox_now or now, now, batch)
    judged = await judge(session, came, batch.signals, setting, lock=False)
    decision = judged.decision
    told = judged.held.told(
        batch.signals,
        [{"outcome": outcome} for outcome, _ in decision.outcomes],
        [{} for _ in batch.signals],
    )
    document = await plan_of(session, account, fields.product, now)
    return {
        "left_out": batch.left_out,
        "maintenance_window_id": judged.window_id,
        "omissions": list(batch.omissions),
        "mail": None,
        "signals": [
            {"key": signal.key, "status": signal.status, "title": signal.title, "labels": signal.labels}
            | {"key_from": _KEYS.get(signal.named_by, signal.named_by), "warning": _WARNINGS.get(signal.named_by)}
            | outcome
            for signal, outcome in zip(batch.signals, told, strict=True)
        ],
        "tickets": [
            _shown(fields, step, document, choose_language(account.locale))
            for step in decision.steps
            if step.action != "nothing" or step.ends
        ],
    }


def _shown(fields: HookFields, step: Step, document: PlanDocument, language: Language) -> dict[str, Any]:
    """What would be done to one ticket; the priority that its alerts ask for, where any of them fires."""
    ends = {"resolves": step.ends and fields.on_resolve == "resolve"}
    done = {"action": _WORDS.get(step.action, "notified"), "ticket_id": step.thread.id if step.thread else None} | ends
    if not step.firing:
        return done | {"title": None, "priority": None, "priority_source": None, "environment": None}
    urgent = mapped(fields, step.firing)
    assessed = assess(document, urgent.priority, urgent.impact, urgent.urgency)
    title = title_of(fields, step.firing[0], language)
    asked = {"priority": assessed.priority, "priority_source": assessed.source, "environment": urgent.environment}
    return done | {"title": title} | asked
