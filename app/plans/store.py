"""Plan versions in the database: written once, never changed, remembered by each process."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.locks import AdvisoryLock, acquire
from app.core.problems import Fault, NotFound
from app.core.process.memory import Memory
from app.core.text.messages import _
from app.plans.document.calendars import Calendars, compile_calendars
from app.plans.document.parsing.documents import PlanDocument, parse_yaml
from app.plans.document.parsing.expansion import expanded, years_after, years_around
from app.plans.document.parsing.heavy import CheckedPlan, check, content_hash
from app.plans.document.parsing.reading import refuse
from app.plans.document.parsing.stored import read_stored
from app.plans.holidays import dates_of
from app.plans.models import PlanVersionRow

_log = structlog.get_logger(__name__)

BUILTIN: Final = Path(__file__).parent / "builtin"
LOCK: Final = AdvisoryLock("plan versions", "hashtext('heliodesk.plan_versions')")
"""Held to its end by every transaction that changes which versions there are, or which of them are in force."""


def builtin_plans() -> list[PlanDocument]:
    """The plans that ship with the service, in order of their keys."""
    return [parse_yaml(path.read_text(encoding="utf-8")) for path in sorted(BUILTIN.glob("*.yaml"))]


async def load_builtin(session: AsyncSession, now: datetime) -> Sequence[PlanVersionRow]:
    """Store the shipped plans that are not among the versions of their key yet, and give those new versions.

    A restart makes none, and neither does one after an operator has added a version of their own.
    """
    await acquire(session, LOCK)
    stored = set(await session.scalars(select(PlanVersionRow.document_hash)))
    missing = [document for document in builtin_plans() if content_hash(document.canonical()) not in stored]
    return [await _append(session, check(document, years_around(now)), now) for document in missing]


async def add_version(session: AsyncSession, plan: CheckedPlan, now: datetime) -> PlanVersionRow:
    """Store the document, expanded for the years around now, as the next version of its key and its current one.

    Raises ``Invalid`` when its trial plan is not known.
    """
    await acquire(session, LOCK)
    if plan.trial and plan.trial != plan.key and await current_version(session, plan.trial) is None:
        raise refuse(Fault(pointer="/trial", detail=_("There is no plan `{trial}`.", trial=plan.trial)))
    return await _append(session, plan, now)


async def extend_version(session: AsyncSession, key: str, now: datetime) -> PlanVersionRow | None:
    """A new version of a current plan that names a country whose holidays end too soon, with later years (C01).

    It keeps its author's hash, who wrote nothing new; tickets keep the version that they pinned (C14).
    """
    await acquire(session, LOCK)
    newest = select(PlanVersionRow).where(PlanVersionRow.key == key, PlanVersionRow.archived_at.is_(None))
    current = await session.scalar(newest.order_by(PlanVersionRow.version.desc()).limit(1))
    if current is None:
        return None
    document = _read(key, current.version, current.document)
    years = years_after(years_around(current.created_at)[-1], now)
    longer = await asyncio.to_thread(expanded, document, years)  # reading a country's holidays takes a while
    if longer == document:
        return None
    kept = CheckedPlan(longer.key, longer.trial, longer.canonical(), current.document_hash)
    return await _append(session, kept, now)


async def _append(session: AsyncSession, plan: CheckedPlan, now: datetime) -> PlanVersionRow:
    last = await session.scalar(select(func.max(PlanVersionRow.version)).where(PlanVersionRow.key == plan.key))
    version = PlanVersionRow(
        key=plan.key,
        version=(last or 0) + 1,
        document=plan.document,
        document_hash=plan.content_hash,
        created_at=now,
    )
    session.add(version)
    await session.flush()
    return version


async def current_version(session: AsyncSession, key: str) -> int | None:
    """The number of the key's newest version that is not archived; None when there is none."""
    newest = select(func.max(PlanVersionRow.version)).where(
        PlanVersionRow.key == key, PlanVersionRow.archived_at.is_(None)
    )
    number: int | None = await session.scalar(newest)
    return number


async def document(session: AsyncSession, memory: Memory, key: str, version: int) -> PlanDocument:
    """A stored version's document. Raises ``NotFound``; no round trip when the process remembers it."""
    known = memory.recall(PlanDocument, (key, version))
    if known is not None:
        return known
    row: dict[str, Any] | None = await session.scalar(
        select(PlanVersionRow.document).where(PlanVersionRow.key == key, PlanVersionRow.version == version)
    )
    if row is None:
        raise NotFound(_("There is no version {version} of the plan {key}", version=version, key=key))
    return memory.keep((key, version), await asyncio.to_thread(_read, key, version, row))


def _read(key: str, version: int, row: dict[str, Any]) -> PlanDocument:
    document, unknown = read_stored(row)
    if unknown:
        _log.warning("a stored plan says what this version does not know", plan=key, version=version, places=unknown)
    return document


async def is_public(session: AsyncSession, memory: Memory, plan: PlanDocument) -> bool:
    """Whether everybody may read this version's programme: it says so, and so does the current one, if any."""
    if not plan.public:
        return False
    number = await current_version(session, plan.key)
    return number is None or (await document(session, memory, plan.key, number)).public


async def current_documents(session: AsyncSession, memory: Memory, keys: Collection[str]) -> dict[str, PlanDocument]:
    """The document of each key's newest version that is not archived; a key that has none is not in the answer."""
    number = func.max(PlanVersionRow.version).label("number")
    newest = select(PlanVersionRow.key, number).where(
        PlanVersionRow.key.in_(keys), PlanVersionRow.archived_at.is_(None)
    )
    found = (await session.execute(newest.group_by(PlanVersionRow.key))).all()
    return {row.key: await document(session, memory, row.key, row.number) for row in found}


async def calendars(
    session: AsyncSession, memory: Memory, *, key: str, version: int, zone: str, holiday_set: str | None
) -> Calendars:
    """The version's compiled calendars in an account's zone, with its holidays (C14: both as the ticket pinned them).

    Raises ``NotFound`` for an unknown version or set; no round trip when the process remembers them.
    """
    name = (key, version, zone, holiday_set)
    known = memory.recall(Calendars, name)
    if known is not None:
        return known
    plan = await document(session, memory, key, version)
    closed = await dates_of(session, memory, holiday_set)
    return memory.keep(name, await asyncio.to_thread(compile_calendars, plan, zone, closed))


async def addons_on_offer(session: AsyncSession, keys: Iterable[str]) -> dict[str, frozenset[str]]:
    """The add-ons of each key's newest version that is not archived; a key that has none is not in the answer.

    None of these versions can be archived before the transaction ends.
    """
    query = select(PlanVersionRow.key, PlanVersionRow.document["addons"].label("addons")).where(
        PlanVersionRow.key.in_(keys), PlanVersionRow.archived_at.is_(None)
    )
    query = query.order_by(PlanVersionRow.version)  # so that the newest is what stays in the dict
    rows = await session.execute(query.with_for_update(read=True))
    return {row.key: frozenset(row.addons or ()) for row in rows}
