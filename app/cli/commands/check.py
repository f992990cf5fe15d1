"""The work of ``heliodesk check``: stored tickets, one after the other, beside what can be computed of them anew."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from app.core import clock
from app.core.db.engine import Sessions
from app.core.db.migrate import require_fit
from app.core.settings import Settings
from app.core.state import State
from app.core.text.amounts import amount
from app.files.checking import missing_files
from app.replay.snapshots import Scope, Snapshot, count, walk
from app.reports.facts.checking import WrongFact, wrong_facts, wrong_sums
from app.resources import COMMANDS, open_state

Judge: TypeAlias = Callable[[Snapshot], Sequence[object]]
"""What there is to tell of a ticket, each a line when printed; nothing, where there is nothing to tell."""

INSTANTS: Final = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
"""How an instant is written as an option."""
_BETWEEN_LINES: Final = 10.0
"""Seconds between two lines of progress where there is no terminal."""


def as_utc(instant: datetime | None) -> datetime | None:
    """The instant of an option, which is UTC unless it says otherwise."""
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


class NothingToCheck(RuntimeError):
    """No ticket is in the scope that was named."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many tickets were looked at, the findings and in how many of them, the remarks, and how long it took."""

    tickets: int
    faulty: int
    findings: int
    remarks: int
    seconds: float

    def __str__(self) -> str:
        rate = self.tickets / self.seconds if self.seconds else 0
        found = f"{self.findings:,} in {self.faulty:,} of them" if self.findings else "none"
        remarks = f". To know: {self.remarks:,}" if self.remarks else ""
        tickets = amount(self.tickets, "ticket")
        return f"{tickets} in {self.seconds:.1f} s ({rate:,.0f} a second). Differences: {found}{remarks}"


async def check(settings: Settings, scope: Scope, judge: Judge, remark: Judge) -> Checked:
    """Judge every ticket in the scope and print what is found, as it is found. Nothing is written.

    What ``judge`` finds are faults; what ``remark`` finds, an operator should know.
    Raises ``NothingToCheck`` when an account or a ticket is named that has none or is none.
    """
    await require_fit(settings.database_url)
    async with open_state(settings, COMMANDS) as state:
        return await _check(state, scope, judge, remark, Console(soft_wrap=True))


async def _check(state: State, scope: Scope, judge: Judge, remark: Judge, console: Console) -> Checked:
    sessions = state.sessions
    started, tickets, faulty, findings, remarks = clock.monotonic(), 0, 0, 0, 0
    total = await count(sessions, scope)
    if not total and (scope.account_id or scope.ticket_id):
        raise NothingToCheck("There is no such ticket")
    with progress(console, total) as passed:
        async for number, batch in walk(sessions, scope):
            wrong = await _wrong_facts(sessions, batch)
            for snapshot in batch:
                found, known = [*judge(snapshot), *wrong[snapshot.ticket.id]], remark(snapshot)
                tickets, faulty, findings = tickets + 1, faulty + bool(found), findings + len(found)
                remarks += len(known)
                for line in (*found, *known):
                    console.print(str(line), markup=False, highlight=False)
            passed(number)
    if scope == Scope() and (sums := await wrong_sums(sessions)):
        findings += sums
        are = amount(sums, "sum is", "sums are")
        console.print(f"{are} not what the facts of reports come to", highlight=False)
    async for missing in missing_files(state.sessions, state.files, scope.account_id, scope.ticket_id):
        findings += 1
        console.print(str(missing), markup=False, highlight=False)
    return Checked(tickets, faulty, findings, remarks, clock.monotonic() - started)


async def _wrong_facts(sessions: Sessions, batch: Sequence[Snapshot]) -> Mapping[str, list[WrongFact]]:
    """What reports count wrongly, by ticket; nothing of tickets that are not counted yet."""
    wrong: defaultdict[str, list[WrongFact]] = defaultdict(list)
    for each in await wrong_facts(sessions, [(one.ticket.account_id, one.ticket.id) for one in batch]):
        wrong[each.ticket_id].append(each)
    return wrong


@contextmanager
def progress(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, else a line now and then; what it gives is called with each number of tickets passed."""
    columns = ("Tickets", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("tickets", total=total)
        done, told_at = 0, clock.monotonic()

        def passed(number: int) -> None:
            nonlocal done, told_at
            done += number
            bar.advance(task, number)
            if bar.disable and clock.monotonic() - told_at >= _BETWEEN_LINES:
                told_at = clock.monotonic()
                console.print(f"{done:,} of {amount(total, 'ticket')}", highlight=False)

        yield passed
