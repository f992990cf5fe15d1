"""A desk that has been at work for years: a million tickets and messages whose texts differ, people and problems.

``HELIODESK_BENCH_TICKETS`` is another number of tickets. Texts are made up in Python (``bench.texts``) and come by
COPY. Each ticket and each message has one of them, with words, a code and a number of its own. The indexes are built
when all is there.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from app.core.text.folding import folded
from app.search.words import vector
from bench import texts
from bench.filling import in_parts, run, without_indexes

TICKETS: Final = int(os.environ.get("HELIODESK_BENCH_TICKETS", "1000000"))
_POOL: Final = min(20_000, TICKETS)
_PEOPLE: Final = TICKETS // 10
_ACCOUNTS: Final = min(5_000, TICKETS // 10)
_PROBLEMS: Final = min(200, TICKETS // 10)
SMALL: Final = 1_000
"""The tickets of the small account: the search looks at all that it has."""
_TABLES: Final = ("tickets", "ticket_titles", "messages", "search_texts")
_SOURCES: Final = """
CREATE UNLOGGED TABLE bench_pool (n int PRIMARY KEY, title text, folded text, product text, body text, words tsvector);
CREATE UNLOGGED TABLE bench_words (n int PRIMARY KEY, word text)
"""
# Some words that a few texts have: drawn by Zipf's law as well, since the logarithm of their rank is uniform.
_RANK: Final = "exp((hashtext({salt}) & 2147483647) / 2147483648.0 * ln((SELECT count(*) FROM bench_words)))::int"
_TEXT: Final = (
    "SELECT title, folded, product, body, words FROM bench_pool "
    "WHERE bench_pool.n = (hashtext({salt}) & 2147483647) % (SELECT count(*) FROM bench_pool)"
)
_OWN: Final = "(SELECT string_agg(word, ' ') FROM bench_words WHERE n IN ({ranks}))"
_ID: Final = "'tkt_' || lpad(n::text, 26, '0')"
# Every fifth ticket is the large account's; "kraken" is in a thousand of a million titles.
_TICKET: Final[Mapping[str, str]] = {
    "id": _ID,
    "number": "overlay(upper(lpad(to_hex(n), 6, '0')) placing '-' from 4 for 0)",
    "account_id": "CASE WHEN n % 5 = 0 THEN t.account_id WHEN n % $5 = 1 THEN $4 ELSE $3 END",
    "title": "CASE WHEN n % 1000 = 7 THEN 'kraken ' ELSE '' END || p.title",
    "description": "p.body",
    "product": "p.product",
    "requester": "jsonb_build_object('name', initcap(w.word), 'email', "
    "'user' || n % 99991 || '@' || w.word || '.example')",
    "status": "CASE WHEN n % 10 = 1 THEN 'open' ELSE 'closed' END",
    "priority": "'P' || n % 4 + 1",
    "wake_at": "NULL::timestamptz",
    "support_due_at": "NULL::timestamptz",
    "opened_at": "t.opened_at - n * interval '1 minute'",
    "updated_at": "t.opened_at - n * interval '1 minute'",
}
_COPIES: Final = f"""
INSERT INTO tickets ({{columns}}) SELECT {{values}} FROM tickets AS t, generate_series($1::int, $2::int) AS g (n)
CROSS JOIN LATERAL ({_TEXT.format(salt="g.n::text")}) AS p
CROSS JOIN LATERAL (SELECT word FROM bench_words WHERE bench_words.n = {_RANK.format(salt="'who' || g.n")}) AS w
WHERE t.id = '{{ticket}}'
"""
_TITLES: Final = f"""
INSERT INTO ticket_titles (account_id, ticket_id, number, folded, opened_at, sandbox)
SELECT t.account_id, t.id, t.number, CASE WHEN n % 1000 = 7 THEN 'kraken ' ELSE '' END || p.folded, t.opened_at,
       t.sandbox
FROM generate_series($1::int, $2::int) AS g (n) JOIN tickets AS t ON t.id = {_ID}
CROSS JOIN LATERAL ({_TEXT.format(salt="g.n::text")}) AS p
"""
# "leviathan" is in five hundred of a million messages.
_MESSAGES: Final = f"""
INSERT INTO messages (account_id, id, ticket_id, sequence, author, visibility, body, created_at)
SELECT t.account_id, 'msg_' || lpad(n::text, 26, '0'), t.id, 1, '{{"kind": "customer"}}',
       CASE WHEN n % 3 = 0 THEN 'internal' ELSE 'public' END,
       CASE WHEN n % 2000 = 7 THEN 'leviathan ' ELSE '' END || p.body, t.opened_at + interval '1 hour'
FROM generate_series($1::int, $2::int) AS g (n) JOIN tickets AS t ON t.id = {_ID}
CROSS JOIN LATERAL ({_TEXT.format(salt="'m' || g.n")}) AS p
"""
# As the background pass writes them.
_RANKS: Final = ", ".join(_RANK.format(salt=f"'{letter}' || g.n") for letter in "abcd")
_OTHER_RANKS: Final = _RANKS.replace("' || g.n", "m' || g.n")
_OF_TICKETS: Final = f"""
INSERT INTO search_texts (account_id, id, ticket_id, internal, sandbox, at, words)
SELECT t.account_id, t.id, t.id, false, t.sandbox, t.opened_at,
       p.words || setweight(to_tsvector('simple', concat_ws(' ', CASE WHEN n % 1000 = 7 THEN 'kraken' END, t.number,
                                                            t.requester ->> 'name', t.requester ->> 'email')), 'B')
       || to_tsvector('simple', left(md5(t.id), 8) || ' ' || {_OWN.format(ranks=_RANKS)})
FROM generate_series($1::int, $2::int) AS g (n) JOIN tickets AS t ON t.id = {_ID}
CROSS JOIN LATERAL ({_TEXT.format(salt="g.n::text")}) AS p
"""
_OF_MESSAGES: Final = f"""
INSERT INTO search_texts (account_id, id, ticket_id, internal, sandbox, at, words)
SELECT t.account_id, 'msg_' || lpad(n::text, 26, '0'), t.id, n % 3 = 0, false, t.opened_at + interval '1 hour',
       p.words || to_tsvector('simple', concat_ws(' ', CASE WHEN n % 2000 = 7 THEN 'leviathan' END,
                                                  right(md5(t.id), 8), {_OWN.format(ranks=_OTHER_RANKS)}))
FROM generate_series($1::int, $2::int) AS g (n) JOIN tickets AS t ON t.id = {_ID}
CROSS JOIN LATERAL ({_TEXT.format(salt="'m' || g.n")}) AS p
"""
_STEPS: Final = (_TITLES, _MESSAGES, _OF_TICKETS, _OF_MESSAGES)
_OF_PEOPLE: Final = f"""
INSERT INTO people (account_id, id, email, name, role, created_at, updated_at)
SELECT (ARRAY[$1, $2])[g.n % 2 + 1], 'prs_' || lpad(g.n::text, 26, '0'), 'user' || g.n || '@' || w.word || '.example',
       initcap(w.word || ' ' || o.word), 'editor', now(), now()
FROM generate_series(1, {_PEOPLE}) AS g (n)
JOIN bench_words AS w ON w.n = {_RANK.format(salt="g.n::text")}
JOIN bench_words AS o ON o.n = {_RANK.format(salt="'o' || g.n")}
"""
_OF_ACCOUNTS: Final = f"""
INSERT INTO accounts SELECT copy.* FROM accounts AS a, generate_series(1, {_ACCOUNTS}) AS g (n)
JOIN bench_words AS w ON w.n = g.n, jsonb_populate_record(a, jsonb_build_object(
    'account_id', 'acc_' || lpad(g.n::text, 26, '0'), 'name', initcap(w.word) || ' Inc.')) AS copy
WHERE a.account_id = $1
"""
_OF_PROBLEMS: Final = f"""
WITH made AS (
    INSERT INTO problems (id, number, title, description, product, state, source, words, workaround, created_by,
                          targets, created_at, updated_at)
    SELECT 'prb_' || lpad(n::text, 26, '0'), 'PRB-' || n, p.title, p.body, p.product, 'known_error', 'engineer', '[]',
           p.body, '{{}}', '{{}}', now(), now()
    FROM generate_series(1, {_PROBLEMS}) AS g (n) JOIN bench_pool AS p USING (n) RETURNING *
), linked AS (
    INSERT INTO problem_tickets (account_id, ticket_id, problem_id, linked_at)
    SELECT $1, {_ID.replace("n::", "(5 * n)::")}, 'prb_' || lpad(n::text, 26, '0'), now()
    FROM generate_series(1, {_PROBLEMS}) AS g (n)
)
INSERT INTO search_texts SELECT '', m.id, NULL, true, false, m.created_at, p.words
FROM made AS m JOIN bench_pool AS p ON p.title = m.title AND p.body = m.description
"""
_COLUMNS: Final = """
SELECT attname FROM pg_attribute WHERE attrelid = 'tickets'::regclass AND attnum > 0 AND NOT attisdropped
"""


async def fill(url: str, ticket: str, large: str, small: str, other: str) -> None:
    """Make the desk of copies of a ticket of the large account."""
    connection = await asyncpg.connect(url)
    await _bring_in(connection)
    columns = [each["attname"] for each in await connection.fetch(_COLUMNS)]
    copies = _COPIES.format(
        columns=", ".join(columns), values=", ".join(_TICKET.get(each, f"t.{each}") for each in columns), ticket=ticket
    )
    async with without_indexes(url, _TABLES):
        await in_parts(url, "tickets", copies, TICKETS, other, small, max(2, TICKETS // SMALL))
        await connection.execute("CREATE INDEX bench_ids ON tickets (id); ANALYZE tickets")
        for step in _STEPS:
            await in_parts(url, step.split()[2], step, TICKETS)
        await connection.execute("DROP INDEX bench_ids")
    await connection.execute(_OF_PEOPLE, large, other)
    await connection.execute(_OF_ACCOUNTS, other)
    await connection.execute(_OF_PROBLEMS, large)
    await connection.execute("DROP TABLE bench_pool, bench_words")
    print("statistics ...", flush=True)
    tables = ("tickets, people, accounts, problems", "search_texts, messages, ticket_titles")
    await asyncio.gather(*(run(url, f"VACUUM ANALYZE {each}") for each in tables))
    await connection.close()


async def _bring_in(connection: "asyncpg.Connection[Any]") -> None:
    print(f"{_POOL:,} texts ...", flush=True)
    await connection.execute(_SOURCES)
    pool = [
        (
            n,
            each.title,
            folded(each.title),
            each.product,
            each.text,
            vector(each.title, [each.product or ""], each.text),
        )
        for n, each in enumerate(texts.tickets(_POOL))
    ]
    # asyncpg has no binary form of a tsvector.
    await connection.execute(
        "CREATE TEMP TABLE typed (n int, title text, folded text, product text, body text, words text)"
    )
    await connection.copy_records_to_table("typed", records=pool)
    await connection.execute(
        "INSERT INTO bench_pool SELECT n, title, folded, product, body, words::tsvector FROM typed"
    )
    ranked = zip(*map(texts.vocabulary, texts.LANGUAGES), strict=True)
    words = dict.fromkeys(folded(word) for rank in ranked for word in rank)
    plain = (word for word in words if word.isalnum())
    await connection.copy_records_to_table("bench_words", records=[*enumerate(plain, 1)])
    await connection.execute("ANALYZE bench_pool, bench_words")
