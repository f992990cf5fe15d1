"""Finding texts: each statement reads a bounded number of rows, by an index, however many texts there are.

The newest texts are looked at first. Where many of them have what is searched for, they are the answer; where few
have it, few of all have it, and an index of the words leads to these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.read import answers, search
from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.text.language import SOURCE, Language
from app.events.envelope import NO_ACCOUNT
from app.search.models import OWN_WORDS, READ
from app.search.words import own_query, query, rarest
from app.tickets.wording import as_number

_NEWEST: Final = 3_000
"""Texts that are looked at one by one: all that most accounts have."""
FEW: Final = 1_000
"""Texts that are ranked."""
_OFTEN: Final = 60
"""Of the newest, so many that there is no need to look further."""
_SAMPLE: Final = 400
_RARE: Final = 12
"""Texts by which words are told that are rare, and how many of them have such a word at most. The index collects all
that begin like a word: what a tenth of all texts have would take it a second."""
_LED: Final = 2_500
"""Texts to which the rare words lead, before the others are looked for in them; where there are no others, as many as
are ranked."""
_SOME: Final = 20
"""Accounts and people of one answer; so many problems of a customer are looked at, ten times."""
_TRIGRAM: Final = re.compile(r"\w{3}")
_FOUND: Final = "id, account_id, ticket_id, at"
OPEN: Final = "($3::boolean OR NOT internal)"
"""What the caller sees."""
_RANK: Final = "ts_rank(words, CASE WHEN whole THEN $2::text::tsquery ELSE $4::text::tsquery END) AS rank"
_NEAR: Final = f"""
SELECT {_FOUND}, whole, {_RANK} FROM (
    SELECT s.*, words @@ $2::text::tsquery AS whole FROM (
        SELECT * FROM search_texts WHERE {{scope}} ORDER BY at DESC, id DESC LIMIT (SELECT {_NEWEST})
    ) AS s WHERE words @@ $4::text::tsquery AND {OPEN} ORDER BY whole DESC, at DESC, id DESC LIMIT {FEW}
) AS found
"""  # noqa: S608  names and numbers of ours
_COUNTED: Final = f"""
WITH newest AS MATERIALIZED (
    SELECT words, internal FROM search_texts WHERE {{scope}} ORDER BY at DESC, id DESC LIMIT (SELECT {_SAMPLE})
), every AS (SELECT count(*) AS texts FROM (SELECT FROM search_texts WHERE {{scope}} LIMIT {_NEWEST + 1}) AS s)
SELECT e.texts, (SELECT count(*) FROM newest WHERE words @@ q.word::tsquery AND {OPEN}) AS having
FROM every AS e, unnest($2::text[]) WITH ORDINALITY AS q (word, place) ORDER BY q.place
"""  # noqa: S608  names and numbers of ours
_DEEP: Final = f"""
WITH led AS MATERIALIZED (
    SELECT * FROM search_texts WHERE {{scope}} AND {{led}} @@ $4::text::tsquery AND {OPEN} LIMIT $5
)
SELECT l.led, s.* FROM (SELECT count(*) AS led FROM led) AS l LEFT JOIN (
    SELECT {_FOUND}, ts_rank(words, $2::text::tsquery) AS rank FROM led
    WHERE words @@ $2::text::tsquery LIMIT {FEW + 1}
) AS s ON true
"""  # noqa: S608  names and numbers of ours
_OF_ONE: Final = "account_id = $1"
_OF_ALL: Final = "sandbox = ($1::text IS NOT NULL)"
# An index of an account's own words: how long a look-up takes does not tell what others write. The account itself is
# compared without an index, which would lead to all that the account has.
_LED_IN_ONE: Final = ("account_id || '' = $1", OWN_WORDS)
_LED_IN_ALL: Final = (_OF_ALL, "words")
# A bitmap of the words' index is the one plan that does not depend on where in the table the texts lie. It has room for
# every text, and the texts to which it leads are kept in memory.
_BY_WORDS: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL plan_cache_mode = force_custom_plan; "
    "SET LOCAL work_mem = '32MB'"
)
_EXACT: Final = """
SELECT ticket_id AS id FROM ticket_titles WHERE number = $2 AND ($1::text IS NULL OR account_id = $1)
UNION SELECT id FROM tickets WHERE external_ref = $3 AND ($1::text IS NULL OR account_id = $1)
UNION SELECT id FROM tickets WHERE id = $3 AND ($1::text IS NULL OR account_id = $1)
LIMIT 50
"""
_TICKETS: Final = """
SELECT t.id, t.account_id, t.number, t.title, t.status, t.priority, t.product, t.opened_at AS at
FROM tickets AS t WHERE t.id = ANY ($2::text[]) AND ($1::text IS NULL OR t.account_id = $1)
"""
_ACCOUNTS: Final = f"""
SELECT account_id AS id, account_id, name AS title, created_at AS at, coalesce(external_ref = $2, false) AS exact
FROM accounts
WHERE lower(name) LIKE $1 OR lower(name) LIKE $3 OR external_ref = $2 OR account_id = $2
ORDER BY exact DESC, name LIMIT {_SOME}
"""  # noqa: S608  a number of ours
_ARTICLES: Final = "SELECT id, updated_at AS at FROM articles WHERE id = ANY ($1::text[])"
_PEOPLE: Final = f"""
SELECT id, account_id, name AS title, role AS status, created_at AS at, email = $2 AS exact FROM people
WHERE (lower(name) LIKE $1 OR lower(name) LIKE $4 OR email LIKE $1 OR email = $2)
    AND ($3::text IS NULL OR account_id = $3)
ORDER BY exact DESC, name LIMIT {_SOME}
"""  # noqa: S608  a number of ours
_COLUMNS: Final = (
    "p.id, p.number, p.title, p.state AS status, p.product, p.created_at AS at, p.workaround, p.resolution, p.version"
)
_PROBLEMS: Final = f"SELECT {_COLUMNS}, p.description FROM problems AS p WHERE p.id = ANY ($1::text[]) OR p.number = $2"  # noqa: S608
_OWN_PROBLEMS: Final = f"""
SELECT {_COLUMNS} FROM problems AS p WHERE p.state NOT IN ('suggested', 'dismissed')
    AND p.id IN (SELECT l.problem_id FROM problem_tickets AS l WHERE l.account_id = $1)
ORDER BY p.created_at DESC, p.id DESC LIMIT {10 * _SOME}
"""  # noqa: S608  names and numbers of ours
# As much of a text as the index knows of: nothing behind it is found.
_TEXTS: Final = f"""
SELECT t.id, left(t.description, {READ}) AS text, NULL AS message_id FROM tickets AS t WHERE t.id = ANY ($1::text[])
UNION ALL SELECT m.ticket_id, left(m.body, {READ}), m.id FROM messages AS m
JOIN tickets AS t ON t.account_id = m.account_id AND t.id = m.ticket_id
WHERE t.id = ANY ($1::text[]) AND m.id = ANY ($2::text[]) AND ($3::boolean OR m.visibility = 'public')
"""  # noqa: S608  a number of ours


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for, on whose behalf: ``account_id`` is the one account that is searched, None: all."""

    text: str
    beginnings: Sequence[str]
    principal: Principal
    account_id: str | None
    language: Language = SOURCE
    """the caller's"""

    @property
    def internal(self) -> bool:
        """Whether the caller sees what is support's own."""
        return self.principal.is_support

    @property
    def of_desk(self) -> bool:
        """Whether the caller sees what spans accounts."""
        return self.internal and self.principal.account_id is None

    @property
    def reference(self) -> str:
        """What is searched for, as a number, a reference or an address is written."""
        return self.text.strip()

    @property
    def problem(self) -> str | None:
        """The problem's number that is searched for, however it is typed; None if it is none."""
        prefix, rest = self.reference[:3], self.reference[3:].lstrip("- ")
        number = as_number(rest) if prefix.upper() == "PRB" else None
        return f"PRB-{number}" if number else None


@dataclass(frozen=True, slots=True)
class Found:
    """Texts that were found; ``more``: there are more than were looked at."""

    texts: Sequence[Row]
    more: bool = False


async def texts(session: AsyncSession, asked: Asked) -> Found:
    """Texts with all words that are searched for; where there are none, with any of them."""
    connection = await driver(session)
    every, some = query(asked.beginnings), query(asked.beginnings, whole=False)
    near = await connection.fetch(in_scope(_NEAR, asked), asked.account_id, every, asked.internal, some)
    whole = [row for row in near if row["whole"]]
    if len(whole) >= _OFTEN:
        return Found(whole, more=True)
    each = [query([word]) for word in asked.beginnings]
    counted = await connection.fetch(in_scope(_COUNTED, asked), asked.account_id, each, asked.internal)
    if counted[0]["texts"] <= _NEWEST:
        return Found(whole or near, more=_is_cut(whole, near))
    having = [*zip((row["having"] for row in counted), asked.beginnings, strict=True)]
    found = await _further(connection, asked, having, whole)
    if found.texts or len(each) == 1:
        return found
    if len(near) >= _OFTEN:
        return Found(near, more=True)
    return await _further(connection, asked, having, near, whole=False)


async def _further(
    connection: "Connection[Any]",
    asked: Asked,
    having: Sequence[tuple[int, str]],
    near: Sequence[Row],
    *,
    whole: bool = True,
) -> Found:
    """These texts, and those to which the rare words lead."""
    rare = rarest(having, _RARE, whole=whole)
    if not rare:
        return Found(near, more=True)
    scope, led = _LED_IN_ONE if asked.account_id else _LED_IN_ALL
    wanted = query(asked.beginnings, whole=whole)
    leading = own_query(asked.account_id, rare, internal=asked.internal, whole=whole) if asked.account_id else None
    await connection.execute(_BY_WORDS)
    most = FEW + 1 if len(rare) == len(having) else _LED
    values = (asked.account_id, wanted, asked.internal, leading or query(rare, whole=whole), most)
    deep = await connection.fetch(_DEEP.format(scope=scope, led=led), *values)
    await connection.execute(
        "SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = on; SET LOCAL work_mem = DEFAULT"
    )
    rows = {row["id"]: row for row in (*near, *deep) if row["id"]}
    is_cut = len(deep) > FEW or deep[0]["led"] == most
    return Found([*rows.values()], more=is_cut or (len(rare) < len(having) and not whole))


def _is_cut(whole: Sequence[Row], near: Sequence[Row]) -> bool:
    """Whether there may be more texts with any of the words, where none has all of them."""
    return not whole and len(near) >= FEW


def in_scope(statement: str, asked: Asked) -> str:
    """The statement over the texts that are searched; ``open``: those of them that the caller sees."""
    is_open = "true" if asked.internal else "NOT internal"
    return statement.format(scope=_OF_ONE if asked.account_id else _OF_ALL, open=is_open)


async def exact_tickets(session: AsyncSession, asked: Asked) -> list[str]:
    """The tickets with this number, reference or id, by their ids."""
    number = as_number(asked.reference)
    rows = await (await driver(session)).fetch(_EXACT, asked.account_id, number, asked.reference)
    return [row["id"] for row in rows]


async def tickets(session: AsyncSession, asked: Asked, ids: Sequence[str]) -> Mapping[str, Row]:
    """What is shown and counted of tickets, by their ids."""
    rows = await (await driver(session)).fetch(_TICKETS, asked.account_id, list(ids))
    return {row["id"]: row for row in rows}


async def accounts(session: AsyncSession, asked: Asked) -> Sequence[Row]:
    """Accounts with such a name or reference, for support's desk, which searches all."""
    if not asked.of_desk or asked.account_id:
        return ()
    pattern, other = _patterns(asked.text)
    return list(await (await driver(session)).fetch(_ACCOUNTS, pattern, asked.reference, other))


async def people(session: AsyncSession, asked: Asked) -> Sequence[Row]:
    """People with such a name or address."""
    pattern, other = _patterns(asked.text)
    values = (pattern, asked.reference.lower(), asked.account_id, other)
    return list(await (await driver(session)).fetch(_PEOPLE, *values))


async def articles(session: AsyncSession, asked: Asked) -> list[dict[str, Any]]:
    """Articles that the caller may read, the best first, each with its ``score`` and as it is shown."""
    wanted = search.Asked(search.reaches_of(asked.principal), asked.text, language=asked.language)
    found: list[dict[str, Any]] = (await answers.search(session, wanted, _SOME))["items"]
    rows = await (await driver(session)).fetch(_ARTICLES, [each["id"] for each in found])
    dated = {row["id"]: row["at"] for row in rows}
    return [{**each, "at": dated[each["id"]]} for each in found if each["id"] in dated]


def _patterns(text: str) -> tuple[str, str]:
    """Two patterns of names. Less than three letters in a row are looked for at the beginnings of words alone.

    An index leads to these as well; for any other place there are no trigrams.
    """
    plain = text.strip().lower()
    escaped = plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (f"%{escaped}%",) * 2 if _TRIGRAM.search(plain) else (f"{escaped}%", f"% {escaped}%")


async def problems(session: AsyncSession, asked: Asked, ids: Sequence[str]) -> Sequence[Row]:
    """Problems: for the desk, those that were found; for others, those behind the account's tickets, which may match.

    What an account's problems say is compared by whoever calls: they are few.
    """
    connection = await driver(session)
    if asked.of_desk:
        return list(await connection.fetch(_PROBLEMS, list(ids), asked.problem))
    return list(await connection.fetch(_OWN_PROBLEMS, asked.account_id))


async def shown_texts(session: AsyncSession, asked: Asked, ids: Sequence[str], messages: Sequence[str]) -> list[Row]:
    """The texts of tickets and of these messages, as far as the caller sees them."""
    return list(await (await driver(session)).fetch(_TEXTS, list(ids), list(messages), asked.internal))


def is_of_problem(row: Row) -> bool:
    """Whether a text is a problem's."""
    return bool(row["account_id"] == NO_ACCOUNT)
