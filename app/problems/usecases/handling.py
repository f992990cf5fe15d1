"""What support does with problems: opens and changes them, and accepts or dismisses what is suggested."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.db.session import driver, memory_of, ring_after_commit
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import _
from app.events.event import Event
from app.events.types import EventData, ProblemOpened, ProblemResolved, ProblemUpdated
from app.plans.document.sections import ProblemRules
from app.plans.store import document
from app.problems.models import ProblemRow
from app.problems.rules import STATES, Step, check_step, next_due, reached, targets_from
from app.problems.schemas import (
    NewProblem,
    ProblemAcceptance,
    ProblemDismissal,
    ProblemFields,
    ProblemLink,
    ProblemStateChange,
)
from app.problems.usecases import links
from app.problems.usecases.publishing import let_articles_follow, let_be_found, publish_workaround
from app.roster.models import EngineerRow
from app.tickets.usecases.open import new_number
from app.webhooks.outbox.telling import tell

_PLANS: Final = """
SELECT DISTINCT t.plan_key, t.plan_version FROM problem_tickets AS l
JOIN tickets AS t ON t.account_id = l.account_id AND t.id = l.ticket_id WHERE l.problem_id = $1
"""
_COUNT: Final = "SELECT count(*) FROM problem_tickets WHERE problem_id = $1"


def new_problem(by: Actor, *, now: datetime, **columns: Any) -> ProblemRow:
    """The row of a problem that is opened, or suggested, by this actor."""
    given: dict[str, Any] = {
        "description": "",
        "product": None,
        "state": "open",
        "source": "engineer",
        "words": [],
        "translations": {},
        "owner_id": None,
        "workaround": None,
        "opened_at": now,
    }
    return ProblemRow(
        id=new_id("prb"),
        number=f"PRB-{new_number()}",
        created_by=by.document(),
        told_by=by.document(),
        targets={},
        resolve_tickets=False,
        version=1,
        created_at=now,
        updated_at=now,
        **given | columns,
    )


async def open_problem(session: AsyncSession, command: NewProblem, actor: Actor, *, now: datetime) -> ProblemRow:
    """A new problem with its tickets; the engineer who opens it owns it, unless somebody else is named."""
    owner = command.owner_id or _engineer(actor)
    await _check_owner(session, owner)
    fields = command.model_dump(exclude={"tickets", "owner_id"})
    problem = new_problem(actor, now=now, owner_id=owner, **fields)
    session.add(problem)
    await session.flush()
    if command.tickets:
        await links.link(session, problem, command.tickets, now=now)
    await begin(session, problem, actor, now=now)
    return problem


async def begin(session: AsyncSession, problem: ProblemRow, actor: Actor, *, now: datetime) -> None:
    """Tell that a problem is open."""
    await _set_targets(session, problem)
    await session.flush()
    count = await count_of(session, problem)
    opened = ProblemOpened(**facts(problem), source=problem.source, owner_id=problem.owner_id, count=count)
    await tell_of(session, opened, actor, now)


async def update_problem(
    session: AsyncSession, problem: ProblemRow, fields: ProblemFields, actor: Actor, *, now: datetime
) -> None:
    """Write what has changed of the fields, and tell it; a new workaround of a known error is told to its tickets."""
    if problem.state == "closed":
        raise Conflict(_("The problem is closed"))
    if fields.owner_id != problem.owner_id:
        await _check_owner(session, fields.owner_id)
    if problem.state not in ("suggested", "dismissed", "open"):
        faults = [Fault(pointer="/owner_id", detail=_("A problem under investigation needs an owner"))]
        if fields.owner_id is None:
            raise Invalid(errors=faults)
    if problem.state == "known_error" and not fields.workaround:
        raise Invalid(errors=[Fault(pointer="/workaround", detail=_("A known error needs a workaround"))])
    changed = {name: value for name, value in fields.model_dump().items() if value != getattr(problem, name)}
    before = problem.workaround
    for name, value in changed.items():
        setattr(problem, name, value)
    if "workaround" in changed:
        problem.translations = {**problem.translations, "workaround": {}}
    if "workaround" in changed and problem.state == "known_error":
        problem.told_by = actor.document()
        await links.tell_tickets(session, problem, "workaround", now=now)
    await let_articles_follow(session, problem, before, actor, now=now)
    await touch(session, problem, now)
    await let_be_found(session, problem)
    if changed:
        await tell_of(session, ProblemUpdated(**facts(problem), fields=changed), actor, now)


async def set_state(
    session: AsyncSession, problem: ProblemRow, command: ProblemStateChange, actor: Actor, *, now: datetime
) -> None:
    """Take the problem to another state, and have its tickets told of a workaround or of the resolution."""
    owner = command.owner_id or problem.owner_id or _engineer(actor)
    workaround, resolution = command.workaround or problem.workaround, command.resolution or problem.resolution
    check_step(Step(problem.state, command.state, owner, workaround, resolution))
    if owner != problem.owner_id:
        await _check_owner(session, owner)
    before = problem.workaround
    told = command.state == "known_error" and workaround != before
    problem.translations = _translations(problem, command)
    problem.owner_id, problem.workaround, problem.resolution = owner, workaround, resolution
    problem.state, problem.told_by = command.state, actor.document()
    problem.resolved_at = now if command.state == "resolved" else problem.resolved_at
    problem.closed_at = now if command.state == "closed" else None
    problem.targets = reached(problem.targets, command.state)
    problem.wake_at = next_due(problem.targets)
    if command.state == "investigating":
        problem.resolved_at = problem.resolution = None
    if command.state == "resolved":
        await _resolve(session, problem, command, actor, now)
    elif told:
        await links.tell_tickets(session, problem, "workaround", now=now)
    await let_articles_follow(session, problem, before, actor, now=now)
    if command.state == "known_error" and command.publish:
        article = command.publish
        await publish_workaround(session, problem, article.audience, article.language, actor, now=now)
    await touch(session, problem, now)
    await let_be_found(session, problem)
    if command.state != "resolved":
        fields = {"state": problem.state, "owner_id": problem.owner_id, "workaround": problem.workaround}
        await tell_of(session, ProblemUpdated(**facts(problem), fields=fields), actor, now)


def _translations(problem: ProblemRow, command: ProblemStateChange) -> dict[str, dict[str, str]]:
    """Workaround and resolution by language: those of a text go with it."""
    known = dict(problem.translations)
    if command.workaround or command.workarounds:
        known["workaround"] = command.workarounds
    if command.resolution or command.resolutions:
        known["resolution"] = command.resolutions
    return known


async def _resolve(
    session: AsyncSession, problem: ProblemRow, command: ProblemStateChange, actor: Actor, now: datetime
) -> None:
    problem.resolve_tickets = command.resolve_tickets
    await links.tell_tickets(session, problem, "resolution", now=now)
    resolved = ProblemResolved(
        **facts(problem),
        resolution=problem.resolution or "",
        resolve_tickets=problem.resolve_tickets,
        count=await count_of(session, problem),
    )
    await tell_of(session, resolved, actor, now)


async def accept(
    session: AsyncSession, problem: ProblemRow, command: ProblemAcceptance, actor: Actor, *, now: datetime
) -> None:
    """A suggestion becomes a problem, and its tickets are told. 409 for what is none."""
    if problem.state not in ("suggested", "dismissed"):
        raise Conflict(_("The problem is {state}, so it is not a suggestion", state=STATES[problem.state]))
    owner = command.owner_id or _engineer(actor)
    await _check_owner(session, owner)
    problem.title, problem.owner_id, problem.dismissal = command.title or problem.title, owner, None
    await become_open(session, problem, actor, now=now)


async def become_open(session: AsyncSession, problem: ProblemRow, actor: Actor, *, now: datetime) -> None:
    """Open what was suggested; its tickets are told."""
    problem.state, problem.opened_at, problem.told_by = "open", now, actor.document()
    await links.tell_tickets(session, problem, "link", now=now)
    await touch(session, problem, now)
    await begin(session, problem, actor, now=now)


async def dismiss(
    session: AsyncSession, problem: ProblemRow, command: ProblemDismissal, actor: Actor, *, now: datetime
) -> None:
    """A suggestion was none; tickets that are like its own are not suggested again. 409 for what is none."""
    if problem.state != "suggested":
        raise Conflict(_("The problem is {state}, so it is not a suggestion", state=STATES[problem.state]))
    problem.state, problem.dismissal = "dismissed", command.reason
    await touch(session, problem, now)
    fields = {"state": problem.state, "dismissal": problem.dismissal}
    await tell_of(session, ProblemUpdated(**facts(problem), fields=fields), actor, now)


async def link_tickets(
    session: AsyncSession, problem: ProblemRow, command: ProblemLink, actor: Actor, *, now: datetime
) -> None:
    """Link further tickets; 409 for a suggestion, whose tickets the service finds, and as ``links.link`` says."""
    if problem.state in ("suggested", "dismissed"):
        raise Conflict(_("Accept the suggestion first"))
    if await links.link(session, problem, command.tickets, now=now):
        problem.told_by = actor.document()
        await _set_targets(session, problem)
        await touch(session, problem, now)


def facts(problem: ProblemRow) -> dict[str, Any]:
    """What every event of a problem says."""
    names = ("number", "title", "product")
    return {"problem_id": problem.id} | {name: getattr(problem, name) for name in names}


async def count_of(session: AsyncSession, problem: ProblemRow) -> int:
    """How many tickets the problem has."""
    count: int = await (await driver(session)).fetchval(_COUNT, problem.id)
    return count


async def tell_of(session: AsyncSession, data: EventData, actor: Actor, now: datetime) -> None:
    """Record an event of a problem: it is of no account."""
    await tell(session, None, Event(now, data, actor))


async def touch(session: AsyncSession, problem: ProblemRow, now: datetime) -> None:
    """Save the problem under its next version."""
    problem.version, problem.updated_at = problem.version + 1, now
    await session.flush()


async def _set_targets(session: AsyncSession, problem: ProblemRow) -> None:
    """The targets of the strictest plans of its tickets; those that have been reached or missed stay as they are."""
    if problem.opened_at is None:
        return
    lengths: dict[str, timedelta] = {}
    for rules in await rules_of(session, problem):
        for state, length in rules.targets.items():
            lengths[state] = min(lengths.get(state, length), length)
    known = {name: target for name, target in problem.targets.items() if target["missed"] or target["reached"]}
    problem.targets = reached(targets_from(lengths, problem.opened_at) | known, problem.state)
    problem.wake_at = next_due(problem.targets)
    if problem.wake_at:
        ring_after_commit(session, "problems")


async def rules_of(session: AsyncSession, problem: ProblemRow) -> list[ProblemRules]:
    """What the plans of the problem's tickets say about problems."""
    rows = await (await driver(session)).fetch(_PLANS, problem.id)
    plans = [await document(session, memory_of(session), row["plan_key"], row["plan_version"]) for row in rows]
    return [plan.problems for plan in plans if plan.problems]


def _engineer(actor: Actor) -> str | None:
    return actor.id if actor.kind == "engineer" else None


async def _check_owner(session: AsyncSession, owner_id: str | None) -> None:
    """422 unless the owner is an active engineer of the live roster."""
    if owner_id is None:
        return
    active = select(EngineerRow.active).where(EngineerRow.id == owner_id, EngineerRow.account_id.is_(None))
    if not await session.scalar(active):
        raise Invalid(errors=[Fault(pointer="/owner_id", detail=_("There is no such active engineer"))])
