"""What each event says in one sentence. Pure.

What is inserted stands behind a colon, in brackets, or where no language that we speak inflects it.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.core.text.language import Language
from app.core.text.messages import Message, _, joined
from app.plans.document.names import METRICS, STATUSES
from app.plans.document.naming import NO_NAMES, Names

SENTENCES: Final[Mapping[str, Message]] = {
    "ticket.opened": _("New ticket, priority {priority}"),
    "ticket.updated": _("The ticket's details were changed"),
    "ticket.status_changed": _("New status: {status}"),
    "ticket.reopened": _("The ticket is open again"),
    "ticket.merged": _("The ticket was merged with another one"),
    "ticket.withdrawn": _("The customer withdrew the ticket"),
    "ticket.review_requested": _("Priority {priority} needs a review: production is not affected"),
    "ticket.review_requested:automation": _("Priority {priority} needs a review: an automatic alert set it"),
    "ticket.review_requested:assessment": _("Priority {priority} needs a review: impact or urgency have changed"),
    "ticket.review_requested:engineer": _("Priority {priority} needs a review: an engineer has requested one"),
    "ticket.priority_changed": _("New priority: {after} (before: {before})"),
    "ticket.tier_changed": _("New support tier: {after}"),
    "ticket.assigned": _("An engineer is assigned"),
    "ticket.assigned:nobody": _("The ticket is no longer assigned to anyone"),
    "ticket.handed_over": _("Handed over to the next shift"),
    "ticket.handed_over:tier": _("Handed over to another tier"),
    "ticket.handed_over:region_lock": _("Handed over to the region that the ticket is locked to"),
    "ticket.handed_over:missed": _("Handed over after a missed deadline"),
    "ticket.handed_over:exclusive": _("Handed over: its engineer is needed for a more urgent ticket"),
    "ticket.handed_over:owner_free": _("Its engineer is free again, and continues with it"),
    "ticket.postponed": _("The ticket's timers could not be processed and will be retried"),
    "ticket.customer_reminded": _("The customer was reminded that the ticket waits for an answer"),
    "ticket.link_created": _("A link to the ticket was created"),
    "ticket.link_deleted": _("A link to the ticket was deleted"),
    "ticket.solution_linked": _("An article that solves the ticket was linked to it"),
    "ticket.no_known_solution": _("The knowledge base has no solution for the ticket"),
    "ticket.problem_linked": _("A known problem is behind the ticket: {number}"),
    "ticket.problem_unlinked": _("The ticket has nothing to do with this problem: {number}"),
    "message.posted": _("New message"),
    "message.posted:internal": _("New internal note"),
    "file.quarantined": _("A file was put into quarantine: the scanner has found something in it"),
    "deadline.started": _("{metric}: the clock has started"),
    "deadline.moved": _("{metric}: new due time"),
    "deadline.paused": _("{metric}: the clock is paused"),
    "deadline.resumed": _("{metric}: the clock is running again"),
    "deadline.warning": _("{metric}: {share}% of the time is used up"),
    "deadline.missed": _("{metric}: deadline missed"),
    "deadline.met": _("{metric}: done on time"),
    "deadline.met_late": _("{metric}: done, but late"),
    "deadline.cancelled": _("{metric}: no longer due"),
    "plan.applied": _("Another version of the support plan applies: {plan}"),
    "escalation.automatic": _("Escalated automatically after a missed deadline: {metric}"),
    "escalation.automatic:manager": _("Escalated automatically to the account's manager"),
    "escalation.automatic:support": _("Escalated automatically within support"),
    "escalation.automatic:unheard": _("Deadline missed, but there is nobody to notify: {metric}"),
    "escalation.automatic:nobody": _("Due to be escalated, but there is nobody to escalate it to"),
    "escalation.requested": _("Escalation requested"),
    "escalation.acknowledged": _("The escalation was acknowledged"),
    "escalation.accepted": _("The escalation was accepted: priority {priority}, tier {tier}"),
    "escalation.declined": _("The escalation was declined"),
    "escalation.withdrawn": _("The escalation was withdrawn"),
    "escalation.suggested": _("Consider escalating: {turns} exchanges without a solution"),
    "call.requested": _("A live call was requested"),
    "call.ready": _("The live call is ready"),
    "call.reminded": _("The customer was reminded of the call"),
    "call.joined": _("Someone has joined the call"),
    "call.joined:customer": _("The customer has joined the call"),
    "call.joined:engineer": _("An engineer has joined the call"),
    "call.declined": _("The customer will not join the call"),
    "call.no_show": _("The customer has not joined the call yet"),
    "call.failed": _("The call could not be set up"),
    "call.ended": _("The call is over"),
    "expert.alerted": _("An expert has been alerted to take the ticket"),
    "expert.accepted": _("An expert has accepted the ticket"),
    "expert.declined": _("The expert has declined the ticket"),
    "expert.cancelled": _("The alert to the expert was withdrawn"),
    "routing.unstaffed": _("No expert is available"),
    "routing.unstaffed:max_experts": _("The account already has as many experts as its plan allows at once"),
    "routing.unstaffed:owner_held": _("Its engineer is needed for a more urgent ticket, and nobody else is available"),
    "routing.round_exhausted": _("No expert on shift has accepted the ticket (round {round})"),
    "account.digest": _("Weekly digest: {open} open, {at_risk} at risk, {missed} missed"),
    "account.report_ready": _("The support report for {month} is ready"),
    "mail.bounced": _("An e-mail to the customer came back"),
    "message.unconfirmed": _("New message whose sender is not confirmed: it has changed nothing on the ticket"),
    "maintenance.started": _("A maintenance window has begun: alerts are held back"),
    "maintenance.ended": _("A maintenance window has ended: tickets are being opened for alerts that are still firing"),
    "article.published": _("An article was published, or a published one was changed"),
    "article.withdrawn": _("An article was withdrawn"),
    "coaching.noted": _("New coaching note to an engineer"),
    "coaching.acknowledged": _("The engineer has read the coaching note"),
    "problem.suggested": _("Similar tickets: {count}. There may be a problem behind them: {number}"),
    "problem.opened": _("New problem: {number}"),
    "problem.updated": _("The problem was changed: {number}"),
    "problem.target_missed": _("The problem was not dealt with in time: {number}"),
    "problem.resolved": _("The problem is resolved: {number}"),
    "event.postponed": _("A background job could not process an event and will retry it: {job}"),
    "job.postponed": _("A background job fails with every event and has paused: {job}"),
    "count.postponed": _("Reports cannot count a ticket and will retry it"),
    "webhook.disabled": _("A webhook endpoint was disabled"),
    "webhook.paused": _("A webhook endpoint is paused: too many deliveries are pending"),
    "webhook.resumed": _("A webhook endpoint has caught up, and its deliveries have resumed"),
    "webhook.test": _("A test message: this endpoint works"),
}
"""By event type; behind a colon, by what tells variants apart."""


_VARIANTS: Final[Mapping[str, str]] = {
    "message.posted": "visibility",
    "call.joined": "participant",
    "routing.unstaffed": "reason",
    "ticket.review_requested": "reason",
    "ticket.handed_over": "reason",
}
"""Which member of an event's data tells its variants apart."""


_NAMED: Final = (
    "share",
    "tier",
    "turns",
    "round",
    "open",
    "at_risk",
    "missed",
    "number",
    "count",
    "job",
    "month",
)
"""Members of an event's data that sentences say as they are."""


def sentence(kind: str, data: Mapping[str, Any], language: Language, names: Names = NO_NAMES) -> str:
    """What happened, by the event's type and ``data``: in the service's words and the plan's, with nobody's texts.

    ``names``: what the ticket's plan and its priorities are called.
    """
    form = SENTENCES.get(f"{kind}:{_variant(kind, data)}") or SENTENCES[kind]
    plan, status = data.get("to") if kind == "plan.applied" else None, str(data.get("to"))
    before, after = (_called(kind, data.get(side), names) for side in ("from", "to"))
    return form.to(
        language,
        **{name: data.get(name) for name in _NAMED},
        priority=names.priority(str(data.get("priority"))),
        before=before,
        after=after,
        metric=METRICS.get(str(data.get("metric")), ""),
        status=STATUSES.get(status, status),
        plan=joined((names.plan or plan["key"], str(plan["version"])), ", ") if plan else "",
    )


def escalated_to(data: Mapping[str, Any]) -> str:
    """Whom an escalation by the service has reached: the account's ``manager``, others of ``support``, or ``nobody``.

    ``data``: the members of a ``NotifyingEvent``, as support or as customers see them.
    """
    roles = {person["role"] for person in data.get("notified", ())}
    return "manager" if "manager" in roles else "support" if roles else "nobody"


def _called(kind: str, value: object, names: Names) -> object:
    return names.priority(str(value)) if kind == "ticket.priority_changed" else value


def _variant(kind: str, data: Mapping[str, Any]) -> object:
    if kind == "ticket.assigned":
        return "nobody" if data.get("to") is None else ""
    if kind == "escalation.automatic":
        unheard = data.get("unreachable") and not data.get("notified") and not data.get("escalation_id")
        return escalated_to(data) if data.get("metric") == "tier_escalation" else "unheard" if unheard else ""
    return data.get(_VARIANTS.get(kind, ""))
