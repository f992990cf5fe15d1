"""What a search answers: hits of every kind in one order, their facets, and where each has what was found."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import memory_of
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.search import finding
from app.search.finding import Asked, Found
from app.search.schemas import Kind, SearchHit
from app.search.spelling import corrections
from app.search.words import corrected, excerpt, has_all, marked, spelt_out

_MOST: Final = 2_000
"""Tickets that are counted and ranked."""
_WHOLE: Final = 0.5
"""What somebody's name, or a problem's title, is worth beside a text's rank, which is seldom more."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What an answer is narrowed to; empty: to nothing."""

    types: Sequence[Kind] = ()
    statuses: Sequence[str] = ()
    priorities: Sequence[str] = ()
    product: str | None = None

    @property
    def is_of_tickets(self) -> bool:
        """Whether it is narrowed by what only tickets have."""
        return bool(self.statuses or self.priorities or self.product)

    def wants(self, kind: Kind) -> bool:
        """Whether things of this kind are looked for."""
        return (not self.types or kind in self.types) and (kind == "ticket" or not self.is_of_tickets)

    @property
    def wants_texts(self) -> bool:
        """Whether anything is looked for of which texts tell."""
        return self.wants("ticket") or self.wants("problem")

    def lets(self, ticket: Row) -> bool:
        """Whether a ticket passes."""
        return (
            (not self.statuses or ticket["status"] in self.statuses)
            and (not self.priorities or ticket["priority"] in self.priorities)
            and (not self.product or (ticket["product"] or "").lower() == self.product.lower())
        )


@dataclass(slots=True)
class _Hit:
    kind: Kind
    row: Mapping[str, Any]
    rank: float
    exact: bool = False
    messages: list[str] = field(default_factory=list)

    @property
    def place(self) -> tuple[bool, float, datetime]:
        """The best ones have the greatest."""
        return self.exact, round(self.rank, 2), self.row["at"]


async def answer(session: AsyncSession, asked: Asked, narrowed: Narrowed, limit: int) -> dict[str, Any]:
    """All that is found for this caller, as far as the answer is narrowed."""
    named = [
        *(_named("account", await finding.accounts(session, asked)) if narrowed.wants("account") else ()),
        *(_named("person", await finding.people(session, asked)) if narrowed.wants("person") else ()),
    ]
    articles = await _articles(session, asked) if narrowed.wants("article") else ()
    found, read_as = await finding.texts(session, asked), dict[str, str]()
    if not (found.texts or named) and narrowed.wants_texts and not await _is_known(session, asked, found):
        read_as = await corrections(session, asked)
        if read_as:
            asked = replace(asked, beginnings=corrected(asked.text, read_as))
            found = await finding.texts(session, asked)
    hits = [
        *(await _tickets(session, asked, narrowed, found) if narrowed.wants("ticket") else ()),
        *(await _problems(session, asked, found) if narrowed.wants("problem") else ()),
        *articles,
        *named,
    ]
    hits.sort(key=lambda hit: hit.place, reverse=True)
    return {
        "items": await _shown(session, asked, hits[:limit]),
        "facets": _facets(hits),
        "more": found.more or len(hits) > limit,
        "corrections": read_as,
    }


async def _is_known(session: AsyncSession, asked: Asked, found: Found) -> bool:
    """Whether something is called so, or a problem says so, whatever the answer is narrowed to."""
    return bool(
        await finding.exact_tickets(session, asked)
        or await _problems(session, asked, found)
        or await finding.accounts(session, asked)
        or await finding.people(session, asked)
    )


async def _tickets(session: AsyncSession, asked: Asked, narrowed: Narrowed, found: Found) -> Iterable[_Hit]:
    """A hit for each ticket: as good as the best of its texts."""
    exact = await finding.exact_tickets(session, asked)
    best: dict[str, tuple[float, list[str]]] = dict.fromkeys(exact, (0.0, []))
    for row in sorted(found.texts, key=lambda row: -row["rank"]):
        if row["ticket_id"] and len(best) < _MOST:
            rank, messages = best.get(row["ticket_id"], (0.0, []))
            own = [] if row["id"] == row["ticket_id"] else [row["id"]]
            best[row["ticket_id"]] = (max(rank, row["rank"]), [*messages, *own])
    rows = await finding.tickets(session, asked, list(best))
    return [
        _Hit("ticket", row, best[row["id"]][0], row["id"] in exact, best[row["id"]][1])
        for row in rows.values()
        if narrowed.lets(row)
    ]


async def _problems(session: AsyncSession, asked: Asked, found: Found) -> Sequence[_Hit]:
    ranks = {row["id"]: row["rank"] for row in found.texts if finding.is_of_problem(row)}
    rows = await finding.problems(session, asked, list(ranks))
    return [
        _Hit("problem", row, ranks.get(row["id"], _WHOLE), row["number"] == asked.problem)
        async for row in in_turns(rows)
        if row["id"] in ranks
        or row["number"] == asked.problem
        or has_all(_public_words(session, row), asked.beginnings)
    ]


async def _articles(session: AsyncSession, asked: Asked) -> Iterator[_Hit]:
    return (_Hit("article", row, _WHOLE * row["score"]) for row in await finding.articles(session, asked))


@dataclass(frozen=True, slots=True)
class _Public:
    """The words of what everybody may know of a problem, in one of its versions."""

    words: str


def _public_words(session: AsyncSession, problem: Row) -> str:
    memory, name = memory_of(session), (problem["id"], problem["version"])
    known = memory.recall(_Public, name)
    if known is None:
        said = (problem[each] for each in ("number", "title", "product", "workaround", "resolution"))
        known = memory.keep(name, _Public(spelt_out(" ".join(filter(None, said)))))
    return known.words


def _named(kind: Kind, rows: Sequence[Row]) -> Iterator[_Hit]:
    return (_Hit(kind, row, _WHOLE, row["exact"]) for row in rows)


def _facets(hits: Sequence[_Hit]) -> dict[str, dict[str, int]]:
    rows = [hit.row for hit in hits if hit.kind == "ticket"]
    counted = {name: Counter(row[name] for row in rows if row[name]) for name in ("status", "priority", "product")}
    every = {"type": Counter(hit.kind for hit in hits)} | counted
    return {name: dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))) for name, counts in every.items()}


async def _shown(session: AsyncSession, asked: Asked, hits: Sequence[_Hit]) -> list[dict[str, Any]]:
    shown = [hit for hit in hits if hit.kind == "ticket"]
    messages = [message_id for hit in shown for message_id in hit.messages[:5]]
    texts: dict[str, list[Row]] = {}
    if shown:
        for row in await finding.shown_texts(session, asked, [hit.row["id"] for hit in shown], messages):
            texts.setdefault(row["id"], []).append(row)
    return [_document(hit, asked, texts.get(hit.row["id"], ())) async for hit in in_turns(hits)]


def _document(hit: _Hit, asked: Asked, texts: Sequence[Row]) -> dict[str, Any]:
    row = hit.row
    if hit.kind == "problem":
        own = [row["workaround"], row.get("description")] if asked.of_desk else [row["workaround"]]
        texts = [{"text": text, "message_id": None} for text in own if text]
    found = ((excerpt(text["text"], asked.beginnings), text["message_id"]) for text in texts)
    part, message_id = next((each for each in found if each[0]), (None, None))
    if hit.kind == "article":
        shown = {"title_html": row["title_html"], "excerpt_html": row["excerpt_html"]}
        return {name: row.get(name) for name in SearchHit.model_fields} | shown | {"type": hit.kind, "exact": False}
    names = ("id", "account_id", "number", "status", "priority", "product", "at", "title")
    return {name: row.get(name) for name in names} | {
        "type": hit.kind,
        "exact": hit.exact,
        "title_html": marked(row["title"], asked.beginnings),
        "excerpt_html": part,
        "message_id": message_id,
    }
