"""Whatever is asked, reports answer what a plain count of all facts and moments gives."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from threading import current_thread, main_thread
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.reports.api import reports
from app.reports.asked import Asked, Grouping, Narrowing, Of
from app.reports.cells import Unit
from app.reports.covering import Part, beginnings, cover
from app.reports.facts.checking import wrong_sums
from app.reports.facts.counting import Counted
from app.reports.facts.storing import put
from app.reports.facts.summing import sum_anew, sum_up
from app.reports.read import lateness, source
from app.reports.read.attainment import attainment
from app.reports.read.grouping import Groups
from app.reports.read.volume import volume
from tests.support.desk import fetch
from tests.support.stories import Begin

_BEGIN: Final = datetime(2025, 2, 20, tzinfo=UTC)
_DAYS: Final = 100
_FACTS: Final = 600
_QUESTIONS: Final = 180
_ZONES: Final = ("UTC", "Europe/Warsaw", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns")
_OUTCOMES: Final = ("open", "met", "met_late", "missed", "cancelled", "excluded")
_VALUES: Final[Mapping[str, tuple[Any, ...]]] = {
    "priority": ("P1", "P2"),
    "plan": ("itil-native", "google-premium"),
    "account": ("acc_1", "acc_2"),
    "product": ("backup", "mail", None),
    "engineer": ("eng_1", "eng_2", None),
    "tier": (1, 2),
    "channel": ("web", "email"),
}
_COLUMNS: Final = {"plan": "plan_key", "account": "account_id", "engineer": "engineer_id"}
_FILTERS: Final = {"engineer": "engineer_id"}
_PLANS: Final = """
SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement ~ 'of_(objective|outcome).* report_sums'
"""


def _row(chance: random.Random, number: int) -> dict[str, Any]:
    """A fact and a moment in one: their tables take what they have."""
    quarter = chance.choice((chance.randrange(96), 72, 73))  # of an hour, in a day; often when days begin in Kathmandu
    at = _BEGIN + timedelta(days=chance.randrange(_DAYS), seconds=900 * quarter + chance.choice((0, 1, 37)))
    metric = chance.choice(("first_response", "update", "resolution"))
    outcome = chance.choice(_OUTCOMES)
    owed = outcome in ("open", "missed") and chance.random() < 0.5
    due = at + timedelta(hours=1)
    return {
        **{_COLUMNS.get(name, name): chance.choice(values) for name, values in _VALUES.items()},
        "id": f"row_{number}",
        "ticket_id": f"tkt_{number}",
        "sandbox": number % 10 == 0,
        "metric": metric,
        "cycle": chance.choice((0, 1, 2) if metric == "update" else (1, 2)),
        "plan_version": 1,
        "outcome": outcome,
        "reason": chance.choice(("resolved_by_sender", None)) if outcome == "cancelled" else None,
        "misses": int(outcome in ("missed", "met_late")),
        "started_at": at,
        "at": at,
        "due_at": due,
        "settled_at": None if owed else due + timedelta(seconds=chance.choice((1, 60, 3600, 86_400)) * chance.random()),
        "noticed_us": chance.choice((None, 0, 1, chance.randrange(10**10))),
        "kind": chance.choice(("opened", "resolved", "escalation", "handed_over")),
    }


@dataclass(frozen=True)
class _Question:
    asked: Asked

    @classmethod
    def random(cls, chance: random.Random) -> "_Question":
        instants = sorted(_BEGIN + timedelta(seconds=chance.choice((1, 60, 900, 86400)) * n) for n in _two(chance))
        if chance.random() < 0.5:  # whole months
            instants = [datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)]
        names: list[Any] = chance.sample(tuple(_VALUES), chance.choice((0, 0, 0, 1, 1, 2, 3)))
        filters: dict[str, Any] = {
            _FILTERS.get(name, name): [chance.choice(_VALUES[name][:2])]
            for name in chance.sample(
                tuple(name for name in _VALUES if name != "account"), chance.choice((0, 0, 0, 1, 2))
            )
        }
        zone: str = chance.choice(_ZONES)
        bucket: Any = chance.choice((None, "day", "week", "month"))
        account = chance.choice((None, None, "acc_1"))
        without: Any = ["product"] if chance.random() < 0.1 and "product" not in filters else None
        asked = Asked(instants[0], instants[1], account, True, Narrowing(**filters, without=without))
        cycles: Any = chance.choice(("first", "later", "each"))
        return cls(asked.with_part(Grouping(names, bucket, zone)).with_part(Of(cycles=cycles)))

    def rows(self, rows: Mapping[str, dict[str, Any]]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        """The rows that are meant, each with its group."""
        asked = self.asked
        for row in rows.values():
            wanted = [row[_COLUMNS.get(name, name)] in values for name, values in asked.filters()]
            wanted.append(asked.since <= row["at"] < asked.until)
            wanted.append(row["account_id"] == asked.account_id if asked.account_id else not row["sandbox"])
            wanted.append(row["product"] is None or not asked.narrowing.without)
            if all(wanted):
                yield (*self._bucket(row["at"]), *(row[_COLUMNS.get(name, name)] for name in asked.dimensions)), row

    def _bucket(self, at: datetime) -> tuple[str, ...]:
        bucket = self.asked.grouping.bucket
        day = at.astimezone(ZoneInfo(self.asked.grouping.time_zone)).date()
        first = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
        return (first[bucket].isoformat(),) if bucket else ()

    def counts(self, row: dict[str, Any]) -> bool:
        """Whether the fact is of the cycles that are asked for."""
        first = row["cycle"] == (0 if row["metric"] == "update" else 1)
        return bool({"first": first, "later": row["cycle"] > 1, "each": row["cycle"] > 0}[self.asked.of.cycles])


def _two(chance: random.Random) -> tuple[int, int]:
    begin = chance.randrange(40)
    return begin, begin + 1 + chance.randrange(60)


async def _put(sessions: Sessions, chance: random.Random, rows: dict[str, dict[str, Any]]) -> None:
    """Write rows that are new or have changed, and sum up or not."""
    for number in chance.sample(range(_FACTS), _FACTS // 3):
        row = _row(chance, number)
        before = rows.get(row["id"], row)  # where and when something happened does not change
        rows[row["id"]] = row | {name: before[name] for name in ("account_id", "at", "started_at", "sandbox")}
    async with transaction(sessions) as session:
        await put(session, Counted(list(rows.values()), list(rows.values())))
        await sum_up(session, chance.choice((1, 10_000)))


async def test_any_question_is_answered_as_a_plain_count_would(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(58)  # noqa: S311  rows, no secret
    rows: dict[str, dict[str, Any]] = {}
    for exact in (50_000, 0) * 3:
        monkeypatch.setattr(lateness, "EXACT", exact)
        await _put(sessions, chance, rows)
        async with transaction(sessions) as session:
            for _ in range(_QUESTIONS // 6):
                await _compare(session, _Question.random(chance), rows)
        assert await wrong_sums(sessions) == 0
    assert await fetch(sessions, "SELECT FROM report_sum_moves")
    await fetch(sessions, "UPDATE report_facts SET tier = 3 WHERE id = 'row_1'")
    assert await wrong_sums(sessions) > 0
    async with transaction(sessions) as session:
        await sum_anew(session)
    assert await wrong_sums(sessions) == 0


async def test_a_report_is_planned_for_its_own_period(sessions: Sessions) -> None:
    days = Asked(_BEGIN, _BEGIN + timedelta(days=_DAYS), None, True, Narrowing(), Grouping([], "day", "Asia/Kathmandu"))
    async with transaction(sessions) as session:
        for _ in range(7):  # PostgreSQL thinks of a plan for any period from the sixth time on
            await attainment(session, days)
            await volume(session, days)
        found = await (await driver(session)).fetch(_PLANS)
    assert [row["generic_plans"] for row in found if row["custom_plans"] > 4] == [0, 0]


async def test_many_buckets_are_counted_out_beside_the_event_loop(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts of 10,000 days take half a second, and so would everybody who waits for the loop."""
    threads: dict[str, set[bool]] = {}

    def noted(name: str) -> None:
        real = getattr(source, name)

        def note(*given: Any) -> Any:
            threads.setdefault(name, set()).add(current_thread() is main_thread())
            return real(*given)

        monkeypatch.setattr(source, name, note)

    for name in ("cover", "beginnings", "Part"):
        noted(name)
    grouping = Grouping(["priority"], "day", "Asia/Kathmandu")
    async with transaction(sessions) as session:
        for report in (attainment, volume):
            await report(session, Asked(_BEGIN, _BEGIN + timedelta(days=9), None, True, Narrowing(), grouping))
            assert threads == {"cover": {False}, "beginnings": {False}, "Part": {False}}
            threads.clear()


@pytest.mark.parametrize(
    ("unit", "ends"),
    [
        ("quarter", ["2025-10-26T00:45Z", "2025-10-26T01:30Z"]),
        ("hour", ["2025-10-26T00:00Z", "2025-10-26T04:00Z"]),
        ("six_hours", ["2025-10-25T18:00Z", "2025-10-27T00:00Z"]),
        ("day", ["2024-02-28T00:00Z", "2024-03-02T00:00Z"]),
        ("month", ["2024-12-01T00:00Z", "2025-04-01T00:00Z"]),
    ],
)
def test_units_begin_where_the_last_one_ended(unit: Unit, ends: list[str]) -> None:
    begin, end = map(datetime.fromisoformat, ends)
    found = beginnings([Part(begin, end, ()), Part(end, end, ())], unit)
    lengths = {"quarter": 900, "hour": 3600, "six_hours": 6 * 3600, "day": 86400}
    following = [*found[1:], end]
    assert found[0] == begin
    if unit == "month":
        assert [(at.month, at.day) for at in found] == [(12, 1), (1, 1), (2, 1), (3, 1)]
    else:
        assert {(after - at).total_seconds() for at, after in zip(found, following, strict=True)} == {lengths[unit]}


async def test_a_report_that_takes_too_long_says_what_helps(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(session: AsyncSession, _: Asked) -> dict[str, Any]:
        await (await driver(session)).execute("SELECT pg_sleep(3600)")
        return {}

    monkeypatch.setattr(reports, "volume", endless)
    monkeypatch.setattr(reports, "_PATIENCE", 0.05)
    product = (await begin("itil-native")).product
    answer = await product.client.get("/v1/reports/volume", headers=product.key | {"Accept-Language": "de"})
    assert (answer.status_code, "kürzeren Zeitraum" in answer.json()["detail"]) == (503, True)


async def _compare(session: AsyncSession, question: _Question, rows: Mapping[str, dict[str, Any]]) -> None:
    promises, missed, owed = Counter[Any](), Counter[Any](), Counter[Any]()
    moments = Counter[Any]()
    for group, row in question.rows(rows):
        moments[group, row["kind"]] += 1
        if question.counts(row):
            promises[group, row["outcome"]] += 1
            missed[group] += row["misses"]
            owed[group] += row["outcome"] == "missed" and row["settled_at"] is None
    told = (await attainment(session, question.asked))["items"]
    assert _told(told, lambda item: {name: item[name] for name in _OUTCOMES}) == promises, question
    assert {tuple(item["group"].values()): item["misses"] for item in told} == missed, question
    assert {tuple(item["group"].values()): item["still_owed"] for item in told} == owed, question
    told = (await volume(session, question.asked))["items"]
    assert _told(told, lambda item: {name: item[called] for name, called in _KINDS.items()}) == moments, question
    if question.asked.dimensions:
        await _compare_lateness(session, question, rows)


async def _compare_lateness(session: AsyncSession, question: _Question, rows: Mapping[str, dict[str, Any]]) -> None:
    late, noticed = defaultdict[Any, list[float]](list), defaultdict[Any, list[float]](list)
    now = await database_now(session)
    for group, row in question.rows(rows):
        if question.counts(row) and row["outcome"] in ("met_late", "missed"):
            late[group].append(((row["settled_at"] or now) - row["due_at"]).total_seconds())
            noticed[group] += [row["noticed_us"] / 1e6] if row["noticed_us"] is not None else []
    told = await lateness.lateness(session, question.asked)
    assert told["margin"] == (0 if lateness.EXACT else 0.005) or not late
    assert {tuple(item["group"].values()) for item in told["items"]} == late.keys(), question
    for item in told["items"]:
        for found, counted in ((item["late"], late), (item["noticed"], noticed)):
            values = sorted(counted[tuple(item["group"].values())])
            assert found["number"] == len(values), question
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)) if values else ():
                value, most = values[ceil(share * len(values)) - 1], 1 + told["margin"] * (share < 1)
                assert value * (1 - 1e-6) <= found[name] <= value * (most + 1e-6) + 1e-6, (name, question)


_KINDS: Final = {"opened": "opened", "resolved": "resolved", "escalation": "escalated", "handed_over": "handed_over"}


def _told(items: list[dict[str, Any]], figures: Callable[[dict[str, Any]], Mapping[str, int]]) -> Counter[Any]:
    told = Counter[Any]()
    for item in items:
        for name, number in figures(item).items():
            told[tuple(item["group"].values()), name] += number
    return +told


@pytest.mark.parametrize(
    ("bucket", "zone", "dimensions", "most"),
    [
        ("month", "Europe/Warsaw", {"engineer_id"}, 2 * 4),
        ("week", "Asia/Kathmandu", {"channel"}, 15 * 5.75),
        ("day", "Asia/Kathmandu", {"priority"}, 0.25 * 92),
        ("day", "America/St_Johns", {"priority"}, 0.5 * 92),
        (None, "UTC", {"product", "engineer_id"}, 24 * 31),
    ],
)
def test_few_hours_are_counted_by_their_facts(bucket: Any, zone: str, dimensions: set[str], most: float) -> None:
    since, until = (datetime(2025, *day, tzinfo=ZoneInfo(zone)) for day in ((1, 15), (4, 16)))
    asked = Asked(since, until, None, True, Narrowing(), Grouping([], bucket, zone))
    left = cover(Groups(asked).periods, dimensions).facts
    assert 0 < sum((part.end - part.begin).total_seconds() for part in left) / 3600 <= most
