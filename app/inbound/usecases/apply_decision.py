"""What a decision does to tickets, by their own use cases: opened, told, raised, reopened, resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting
from app.core.auth import Principal
from app.core.schemas.mailboxes import STORED
from app.core.text.language import Language
from app.events.log import record_last
from app.inbound import texts
from app.inbound.decisions import ENDED, Decision, Step
from app.inbound.formats.signal import Signal
from app.inbound.incidents import Incident, remember
from app.inbound.mapping import mapped, title_of
from app.inbound.schemas import HookFields
from app.tickets.schemas import NewTicket, Requester
from app.tickets.usecases.caller import Caller
from app.tickets.usecases.follow import News, Said, Wanted, follow
from app.tickets.usecases.open import open_ticket

MAX_TOLD: Final = 20
"""Messages about the changes of its alerts that one ticket gets."""
_MAX_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Hooked:
    """A hook as its alerts are acted on."""

    account_id: str
    id: str
    fields: HookFields
    language: Language
    """the customer's"""
    notes: Mapping[str, str] = field(default_factory=dict)
    """by incident: what its ticket is told before anything else"""

    def noted(self, step: Step, text: str) -> str:
        """A text with the note on its incident before it."""
        return "\n\n".join(filter(None, (self.notes.get(step.incident_key), text)))

    @property
    def caller(self) -> Caller:
        """The hook as an automation of its account's, held to no version of a ticket."""
        return Caller(Principal("hook", self.id, self.account_id, name=self.fields.name, role="editor"), _any_version)

    @property
    def requester(self) -> Requester:
        """On whose behalf tickets are opened: an address that exists nowhere (RFC 2606) where the hook names none."""
        given = self.fields.requester
        name, email = (given.name, given.email) if given else (self.fields.name, f"{self.id}@hooks.invalid")
        return Requester.model_validate({"name": name, "email": email}, context=STORED)


@dataclass(frozen=True, slots=True)
class Acted:
    """What was done about one incident: each ticket with what happened to it, and the incident as it is now."""

    key: str
    incident: Incident | None
    touched: tuple[tuple[str, str], ...] = ()

    @property
    def opened(self) -> int:
        """How many tickets were opened, or opened again."""
        return sum(action in ("opened", "reopened") for _, action in self.touched)


def _any_version(_: int) -> None:
    """No version is asked for."""


async def apply_decision(
    session: AsyncSession, hook: Hooked, decision: Decision, before: Mapping[str, Incident], *, now: datetime
) -> list[Acted]:
    """Do what a decision says, incident by incident, and remember it; ``before``: the incidents as they were."""
    record_last(session)
    acted = [await act(session, hook, step, before.get(step.incident_key)) for step in decision.steps]
    incidents = [one.incident for one in acted if one.incident]
    await remember(session, hook.account_id, hook.id, decision.alerts, incidents, now=now)
    return acted


async def act(session: AsyncSession, hook: Hooked, step: Step, incident: Incident | None) -> Acted:
    """Do what a step says. Raises 422 for a priority that the plan does not know, ``Again`` as ``open_ticket`` does."""
    if step.action == "open":
        return await _open(session, hook, step, incident)
    if incident is None or step.thread is None:
        return Acted(step.incident_key, incident)
    news, incident = _news(hook, step, incident)
    if news is None:
        return Acted(step.incident_key, incident)
    ticket_id = step.thread.id
    if await follow(session, hook.caller, ticket_id, news) is None:  # it has been closed at this very instant
        again = replace(step, thread=replace(step.thread, status="closed"), action="open" if step.firing else "nothing")
        return await act(session, hook, again, incident)
    return Acted(step.incident_key, incident, tuple((ticket_id, word) for word in _words(news)))


async def _open(session: AsyncSession, hook: Hooked, step: Step, before: Incident | None) -> Acted:
    """A new ticket for what fires; what follows up says so. What is over already is resolved at once."""
    fields, signals = hook.fields, step.firing
    urgent = mapped(fields, signals)
    more = f" (+{len(signals) - 1})" if len(signals) > 1 else ""
    command = NewTicket(
        title=title_of(fields, signals[0], hook.language)[: 300 - len(more)] + more,
        description=hook.noted(step, texts.description_of(signals, hook.language)),
        product=fields.product,
        requester=hook.requester,
        channel="hook",
        priority=urgent.priority,
        impact=urgent.impact,
        urgency=urgent.urgency,
        environment=urgent.environment,
        tags=fields.tags,
        follow_up_of=before.ticket_id if before else None,
    )
    acting = Acting(hook.caller.principal.actor, "editor")
    edit = await open_ticket(session, command, account_id=hook.account_id, acting=acting)
    ticket_id = edit.ticket.id
    incident = Incident(step.incident_key, ticket_id, not step.ends, 0)
    touched: tuple[tuple[str, str], ...] = ((ticket_id, "opened"),)
    if step.ends:
        news = _over(hook, step, own=True)
        await follow(session, hook.caller, ticket_id, news)
        touched += tuple((ticket_id, word) for word in _words(news))
    return Acted(step.incident_key, incident, touched)


def _news(hook: Hooked, step: Step, incident: Incident) -> tuple[News | None, Incident]:
    """What the ticket is to be told, and the incident after it; nothing for a ticket that somebody has ended."""
    now_open = (incident.open or step.action != "nothing") and not step.ends
    if step.thread is None or (step.action == "nothing" and (not step.ends or step.thread.status in ENDED)):
        return None, replace(incident, open=now_open)
    news = _over(hook, step, own=step.thread.own) if step.ends else News()
    if step.action != "nothing":
        news = replace(news, reopen=step.action == "reopen", wanted=_wanted(hook, step.firing))
        news = news if step.ends else replace(news, said=(_said(hook, step, incident.messages),))
    news = news if incident.messages < MAX_TOLD else replace(news, said=())
    return news, replace(incident, open=now_open, messages=incident.messages + len(news.said))


def _said(hook: Hooked, step: Step, told: int) -> Said:
    """What the ticket is told; that an alert says something else now, or was seen to, is for support only."""
    public = any(outcome in ("started", "restarted") for outcome, _ in step.signals)
    body = hook.noted(step, texts.message_of(step, hook.language, last=told == MAX_TOLD - 1))
    return Said(body, "public" if public else "internal")


def _over(hook: Hooked, step: Step, *, own: bool) -> News:
    """The end of an incident, as the hook wants it; a ticket that took another one in is not its to resolve."""
    parts = [texts.message_of(step, hook.language, last=False), texts.OVER.to(hook.language)]
    body = "\n\n".join(part for part in parts if part)
    kind = hook.fields.on_resolve
    return News(said=(Said(body, "internal" if kind == "note" else "public"),), resolve=own and kind == "resolve")


def _wanted(hook: Hooked, signals: list[Signal]) -> Wanted | None:
    if not signals:
        return None
    urgent = mapped(hook.fields, signals)
    reason = texts.RAISED.to(hook.language, title=signals[0].title)[:_MAX_REASON]
    return Wanted(reason, urgent.priority, urgent.impact, urgent.urgency)


def _words(news: News) -> list[str]:
    """What was done, in words."""
    done = {"reopened": news.reopen, "notified": bool(news.said), "resolved": news.resolve}
    return [word for word, true in done.items() if true]
