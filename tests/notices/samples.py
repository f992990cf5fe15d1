"""A mail of each kind, in any language, as the service would send it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.core.text.language import Language
from app.events.example_data import DATA, TICKET
from app.events.examples import event_example
from app.notices.content.guests import GUEST, STRANGER
from app.notices.content.reports import READER
from app.notices.content.telling import REQUESTER, WATCHER
from app.notices.outbox.claims import Claimed
from app.notices.sending.channels import letter_of
from app.notices.sending.letters import Letter
from app.plans.document.naming import names_of
from app.plans.store import builtin_plans
from app.reports.monthly.page import figures, month_name
from app.reports.monthly.schemas import MonthlyReport

SENDER: Final = "Support <support@helpers.example>"
_SITE: Final = "https://help.helpers.example"
_LINKS: Final = {
    "page": f"{_SITE}/help#{TICKET}/hd_ticket_5FqkXz0d2mN8vWcR7yJb3hLs9TgPa1Ue6Ki4Qo",
    "mute": f"{_SITE}/m/7c1f0k2n9x4q8r3t6v5w1y0z2b3d4f5g6h7j8k9m",
    "reply": "support+7c1f0k2n9x4q8r3t6v5w1y0z2b3d4f5g6h7j8k9m@in.helpers.example",
}
_STUB: Final = {name: DATA["ticket.opened"][name] for name in ("number", "title", "priority")}
_ABOUT: Final = _STUB | {"business_impact": None, "priority_reason": None, "join_url": None}
_URGENT: Final = {name: DATA["ticket.opened"][name] for name in ("business_impact", "priority_reason")}
_TEXT: Final = (
    "Thank you for the log. It shows that an agent crashed on Thursday at 02:14 while it held the catalogue's lock, so "
    "that all jobs after it have waited in vain.\n\n"
    "Please restart the agent on db-7:\n\n"
    "    systemctl restart helpers-agent\n"
    "    helpers-agent status --wait --timeout 120 --format json --output /var/log/helpers/status.json\n\n"
    "> Does it lose the backups that we have?\n\n"
    "No, it does not. More about it: https://docs.helpers.example/backup/agents/locks-and-how-they-are-released#crashed"
)


def _person(role: str, language: Language, **fields: Any) -> dict[str, Any]:
    return {"role": role, "name": "Ana Ruiz", "email": "ana@example.com", "locale": language} | {
        "time_zone": "Europe/Warsaw",
        **fields,
    }


def _event(kind: str, data: Mapping[str, Any], *, first: bool = False) -> dict[str, Any]:
    """An event as a letter has it."""
    example = event_example(kind)
    told = {name: example[name] for name in ("type", "actor", "timestamp", "data")} | {"first": first}
    return told | {"data": {**told["data"], **data}}


_ESCALATED: Final = _event(
    "escalation.declined", {"detail": "The fix is being rolled out: it reaches you within the hour."}
)
_FILES: Final = {
    "attachments": [{"name": "agent-7.2.tar.gz", "state": "kept"}, {"name": "agent.exe", "state": "left_out"}]
}
_UNCONFIRMED: Final = {"kind": "customer", "name": "Ana Silva", "unconfirmed": True}
_UPDATES: Final[Mapping[str, tuple[list[dict[str, Any]], int]]] = {
    "first-answer": ([_event("message.posted", {"body": _TEXT}, first=True)], 0),
    "answer": (
        [_event("message.posted", {"body": "It is mended. Could you run the job of last night again?"} | _FILES)],
        0,
    ),
    "answer-cut": ([_event("message.posted", {"body": _TEXT, "truncated": True})], 0),
    "unconfirmed": (
        [_event("message.posted", {"author": _UNCONFIRMED, "body": "Please close it.", "attachments": []})],
        0,
    ),
    "waiting": ([_event("ticket.status_changed", {"from": "open", "to": "waiting_on_customer"})], 0),
    "status": ([_event("ticket.status_changed", {"from": "open", "to": "resolved"})], 0),
    "escalation-accepted": ([_event("escalation.accepted", {})], 0),
    "escalation-declined": ([_ESCALATED], 0),
    "call": ([_event("call.ready", {})], 0),
    "hand-over": ([_event("ticket.handed_over", {})], 0),
    "several": (
        [
            _event("call.ready", {}),
            _event("ticket.handed_over", {}),
            _event("message.posted", {"body": "I have your logs, and I look into the lock now."}),
            _event("escalation.acknowledged", {}),
            _event("ticket.status_changed", {"from": "open", "to": "mitigated"}),
        ],
        3,
    ),
}
_REPORT: Final = MonthlyReport.model_validate(MonthlyReport.model_json_schema()["examples"][0])
_PLAN: Final = next(plan for plan in builtin_plans() if plan.key == "google-premium")


def _claimed(kind: str, recipient: dict[str, Any], data: dict[str, Any] | None = None) -> Claimed:
    example = event_example(kind or "ticket.opened")
    return Claimed(
        example["account_id"],
        "ntc_01k9z3v5q8e9rbn3wz4m6t7y2g",
        "",
        recipient,
        [],
        1,
        kind,
        datetime.fromisoformat(example["timestamp"]),
        example["data"] if data is None else data,
        dict(_ABOUT),
        names=names_of(_PLAN),
        ticket_id=TICKET,
        links=_LINKS,
    )


def _of_customers(language: Language) -> Iterator[tuple[str, Claimed]]:
    requester = _person(REQUESTER, language)
    yield "number", _claimed("ticket.opened", requester, {})
    yield "guest", _claimed("ticket.opened", _person(GUEST, language), {})
    yield "refusal", replace(_claimed("", _person(STRANGER, language), {}), ticket_id=None, links={})
    for name, (entries, more) in _UPDATES.items():
        kind = entries[-1]["type"]
        yield name, _claimed(kind, requester, {"entries": entries, "more": more})
    entries, _ = _UPDATES["answer"]
    notice = _claimed("message.posted", _person(WATCHER, language), {"entries": entries, "more": 0})
    named = {"account": _REPORT.account, "month_name": month_name(_REPORT.month, language)}
    report = named | {"figures": figures(_REPORT, language), "expires_at": "2026-12-31T23:00:00+00:00"}
    sent = _claimed("account.report_ready", _person(READER, language), report)
    yield "report", replace(sent, links={"page": f"{_SITE}/reports/7c1f0k2n9x4q"}, ticket_id=None)
    yield "watcher", replace(notice, links={name: _LINKS[name] for name in ("page", "mute")})


def _of_support(language: Language) -> Iterator[tuple[str, Claimed]]:
    jan = {"name": "Jan Nowak", "email": "jan@helpers.example"}
    for name, kind, role in (
        ("alert", "expert.alerted", "expert"),
        ("assigned", "ticket.assigned", "expert"),
        ("taken-over", "ticket.handed_over", "expert"),
        ("given-away", "ticket.handed_over", "previous_engineer"),
        ("tier", "ticket.no_known_solution", "next_tier"),
        ("call-failed", "call.failed", "expert"),
        ("unconfirmed-message", "message.unconfirmed", "expert"),
        ("escalated", "escalation.requested", "manager"),
        ("escalated-by-itself", "escalation.automatic", "tam"),
        ("unstaffed", "routing.unstaffed", "manager"),
    ):
        notice = _claimed(kind, _person(role, language, **jan))
        notice = replace(notice, ticket=notice.ticket | _URGENT)
        links = {"reply": _LINKS["reply"]} if role == "expert" else {}
        link = f"{_SITE}/a/hd_answer_4kq2" if kind == "expert.alerted" else None
        yield name, replace(notice, links=links, link=link, programme_url=f"{_SITE}/programmes/google-premium")
    digest = _claimed("account.digest", _person("tam", language, **jan))
    accounts = [digest.data | {"account": name, "priority_names": {}} for name in ("Solar Roofs", "Shop 24")]
    totals = {name: 2 * digest.data[name] for name in ("open", "at_risk", "missed")}
    yield "digest", replace(digest, data=totals | {"accounts": accounts}, ticket={}, links={}, ticket_id=None)


def samples(language: Language) -> dict[str, Letter]:
    """A mail of each kind, by its name; those to support have no HTML."""
    found = [*_of_customers(language), *_of_support(language)]
    return {name: letter_of(notice, SENDER) for name, notice in found}
