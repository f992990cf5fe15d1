"""Recurring incidents among labelled tickets, as the detection finds them: ``python -m bench problems``.

Each line of a set is a ticket: its texts, product, language, the minute at which it is opened, and the incident that it
reports, if it reports one. Pairs are counted: of all pairs of tickets that a suggestion has together, how many report
the same incident (precision); of all pairs that report the same incident, how many a suggestion has together (recall).
So an incident that falls into two suggestions costs recall, and a ticket that does not belong costs precision with
each other member.

The detection is tuned on five sets, each by another writer: ``tuning.jsonl``, whose tickets of one incident are worded
alike; ``styles.jsonl``, of many styles and near misses; ``known/heldout.jsonl``, ``known/unseen.jsonl`` and
``fresh.jsonl``, which were written by people who had not seen the code, and have been looked at since. So what they
give is no estimate of the quality; that is what ``python -m bench.problems.fitting`` prints for each writer by what was
fitted to the others, and above all sets that nothing was tuned on: ``wordings.jsonl``, in which hardly two tickets of
an incident share words, among near misses; ``blind.jsonl``, whose texts nobody who tunes reads; or one of your own by
``python -m bench.problems PATH`` or in ``HELIODESK_BENCH_PROBLEMS``. Where tickets have an ``article``, the knowledge
base of ``known`` is published. The goals are precision 0.9 and recall 0.75: for the mean of the sets for tuning, and
for each of the others.
"""

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations, groupby
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import asyncpg

from app.core.clock import database_now
from app.core.db.engine import Sessions, make_engine
from app.core.db.session import make_sessions, transaction
from app.core.signals import WakeUp, WakeUps
from app.feed.poller import FeedPoller
from app.plans.store import load_builtin
from app.problems.background.detection import Detection
from app.tickets.schemas import NewTicket
from app.tickets.usecases.open import open_ticket
from bench import known, servers
from tests.support.actors import make_account
from tests.support.desk import AUTOMATION

_HERE: Final = Path(__file__).parent
TUNING: Final = (
    *(_HERE / f"{name}.jsonl" for name in ("tuning", "styles", "fresh")),
    *(_HERE.parent / "known" / f"{name}.jsonl" for name in ("heldout", "unseen")),
)
UNTUNED: Final = (_HERE / "wordings.jsonl", _HERE / "blind.jsonl")
_GIVEN: Final = os.environ.get("HELIODESK_BENCH_PROBLEMS")
_PRECISION: Final = 0.9
_RECALL: Final = 0.75
_WHO: Final = {"name": "Ana", "email": "ana@example.com"}
_FOUND: Final = "SELECT problem_id, array_agg(ticket_id) AS tickets FROM problem_tickets GROUP BY problem_id"


def main(path: str | None = _GIVEN) -> bool:
    """Print precision and recall of the set at this path, or of all; whether the goals are reached."""
    print(f"Goals: precision {_PRECISION}, recall {_RECALL}")
    if path:
        return _is_enough([_in_database(Path(path))])
    print("Sets for tuning, whose means are to reach the goals:")
    tuned = _is_enough([_in_database(each) for each in TUNING])
    print("Sets that nothing was tuned on, each of which is to reach them:")
    untuned = [_is_enough([_in_database(each)]) for each in UNTUNED]
    return tuned and all(untuned)


def _is_enough(figures: Sequence[tuple[float, float]]) -> bool:
    precision, recall = fmean(p for p, _ in figures), fmean(r for _, r in figures)
    reached = precision >= _PRECISION and recall >= _RECALL
    print(f"precision {precision:.3f}, recall {recall:.3f}: goals {'reached' if reached else 'missed'}")
    return reached


def _in_database(path: Path) -> tuple[float, float]:
    tickets = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    with servers.database() as url:
        if any("article" in ticket for ticket in tickets):
            with servers.service(url, HELIODESK_BACKGROUND="false") as port:
                asyncio.run(known.publish(port))
        return asyncio.run(_measure(path.name, tickets, url))


async def _measure(name: str, tickets: Sequence[Mapping[str, Any]], url: str) -> tuple[float, float]:
    engine = make_engine(url, pool_size=4)
    sessions = make_sessions(engine, WakeUps())
    started = time.perf_counter()
    incident_of = await _open(sessions, Detection(sessions, FeedPoller(engine, WakeUp())), tickets)
    seconds = time.perf_counter() - started
    await engine.dispose()
    connection = await asyncpg.connect(url)
    groups = [row["tickets"] for row in await connection.fetch(_FOUND)]
    await connection.close()
    precision, recall = scored(groups, incident_of)
    incidents = len(set(incident_of.values()) - {None})
    print(
        f"{name:16} {len(tickets)} tickets, {incidents} incidents, {len(groups)} suggestions: precision "
        f"{precision:.3f}, recall {recall:.3f}; {1000 * seconds / len(tickets):.1f} ms a ticket, its opening included"
    )
    return precision, recall


async def _open(
    sessions: Sessions, detection: Detection, tickets: Sequence[Mapping[str, Any]]
) -> dict[str, str | None]:
    """Open the tickets minute by minute, with a pass of the detection after each; their incidents by their ids."""
    async with transaction(sessions) as session:
        now = await database_now(session)
        await load_builtin(session, now)
    account = (await make_account(sessions, "wati-business-plus")).account_id
    start = now - timedelta(minutes=1 + max(each["minute"] for each in tickets))
    await detection.run_pass()  # notes where to begin
    opened: dict[str, str | None] = {}
    for minute, batch in groupby(sorted(tickets, key=lambda each: each["minute"]), key=lambda each: each["minute"]):
        async with transaction(sessions) as session:
            for each in batch:
                fields = {name: each[name] for name in ("title", "description", "product")}
                command = NewTicket.model_validate(fields | {"requester": _WHO | {"locale": each["language"]}})
                at = start + timedelta(minutes=minute)
                edit = await open_ticket(session, command, account_id=account, acting=AUTOMATION, now=at)
                opened[edit.ticket.id] = each.get("incident")
        while await detection.run_pass():
            pass
    return opened


def scored(groups: Sequence[Sequence[str]], incident_of: Mapping[str, str | None]) -> tuple[float, float]:
    """Precision and recall by pairs."""
    together = {pair for group in groups for pair in combinations(sorted(group), 2)}
    ordered = sorted(incident_of)
    same = {
        (one, other)
        for one, other in combinations(ordered, 2)
        if incident_of[one] is not None and incident_of[one] == incident_of[other]
    }
    right = len(together & same)
    return right / max(1, len(together)), right / max(1, len(same))
