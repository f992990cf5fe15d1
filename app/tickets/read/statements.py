"""The reads of tickets that are asked for most, each one statement that returns the JSON of ``views``."""

from collections.abc import Iterable
from typing import Final

from app.accounts.reading import Question
from app.calls.models import CallRow
from app.core.auth import Principal
from app.core.db.statements.json_sql import columns, instant, object_of
from app.core.web.kit.paging import PAGE_BYTES, REACH, Page
from app.events.envelope_sql import envelope_sql
from app.events.types import INTERNAL_METRICS
from app.plans.document.links import programme_path_sql
from app.sla.clock.terms import METRICS
from app.sla.models import DeadlineRow
from app.tickets.models import TicketRow
from app.tickets.read.problems import PROBLEM_SQL
from app.tickets.read.views import CALL, DEADLINE, ROUTE, TICKET


def _texts(names: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(repr(name) for name in names)}]"


_ORDER: Final = f"array_position({_texts(METRICS)}, d.metric), d.subject, d.cycle"
_LAG: Final = "(extract(epoch FROM d.noticed_at - d.missed_at) * 1000)::float8"
_DEADLINE: Final = object_of(
    columns(DeadlineRow.__table__, "d", DEADLINE)
    | {"subject": "nullif(d.subject, '')", "lag_ms": f"CASE WHEN NOT t.sandbox THEN {_LAG} END"}
)
# Of the ticket t, as far as a caller sees them for whom {internal} is true or false.
_DEADLINES: Final = f"""(
SELECT coalesce(json_agg({_DEADLINE} ORDER BY {_ORDER}), '[]')
FROM deadlines AS d
WHERE d.account_id = t.account_id AND d.ticket_id = t.id
  AND (d.cycle = 1 OR d.cycle = (t.clock -> 'cycles' ->> d.metric)::int)
  AND ({{internal}} OR d.metric <> ALL ({_texts(sorted(INTERNAL_METRICS))}))
)"""  # noqa: S608  names of ours
_ROUTE: Final = object_of(
    {name: f"t.routing -> '{name}'" for name in ROUTE}
    | {
        "round": "coalesce(t.routing -> 'round', '1')",
        "queued_at": instant("t.queued_at"),
        "next_at": instant("t.route_at"),
    }
)
# Earlier versions have stored sentences.
_STATED: Final = """jsonb_path_query_array(c.failures, '$[*] ? (@.type() == "object")')"""
_FAILURES: Final = f"CASE c.state WHEN 'failed' THEN {_STATED} ELSE '[]' END"
_CALL: Final = f"""(
SELECT {object_of(columns(CallRow.__table__, "c", CALL) | {"failures": _FAILURES})} FROM calls AS c
WHERE c.account_id = t.account_id AND c.ticket_id = t.id ORDER BY c.sequence DESC LIMIT 1
)"""  # noqa: S608  names of ours
_TICKET: Final = object_of(
    columns(TicketRow.__table__, "t", TICKET)
    | {
        "watchers": "coalesce(t.watchers, '[]')",
        "attachments": "coalesce(t.attachments, '[]')",
        "assignee": "t.assignee_id",
        "assessed_priority": "CASE WHEN {internal} THEN t.assessed_priority END",
        "plan": object_of(
            {
                "key": "t.plan_key",
                "version": "t.plan_version",
                "programme_url": programme_path_sql("t.plan_key", "t.plan_version"),
            }
        ),
        "deadlines": _DEADLINES,
        "routing": f"CASE WHEN {{internal}} AND t.routing ? 'state' THEN {_ROUTE} END",
        "call": _CALL,
        "problem": PROBLEM_SQL,
    }
)
TICKET_JSON: Final = f"{_TICKET}::text"
"""A ticket ``t`` as the API shows it; ``{internal}`` is whether its reader sees what is support's own."""

_SEEN: Final = "($2::text IS NULL OR t.account_id = $2)"
_BY_ID: Final = f"""
SELECT t.version, {TICKET_JSON.format(internal="$3::boolean")} AS body FROM tickets AS t WHERE t.id = $1 AND {_SEEN}
"""  # noqa: S608  names of ours


def ticket(principal: Principal, ticket_id: str) -> Question:
    """``version`` and ``body`` of a ticket; null where the caller has no such ticket."""
    return Question(_BY_ID, (ticket_id, principal.only, principal.is_support))


_EVENTS: Final = "FROM events AS e WHERE e.account_id = t.account_id AND e.ticket_id = t.id AND e.sequence > $3"
_TIMELINE: Final = f"""
SELECT t.id AS ticket_id, page.*, CASE WHEN NOT $5::boolean AND coalesce(cardinality(page.places), 0) < $6 THEN (
    SELECT e.sequence {_EVENTS} ORDER BY e.sequence OFFSET (SELECT {REACH - 1}) LIMIT 1
) END AS edge
FROM tickets AS t LEFT JOIN LATERAL (
    SELECT array_agg(f.sequence) AS places, array_agg(f.body) AS bodies FROM (
        SELECT e.sequence, {envelope_sql()} AS body
        FROM (SELECT e.* {_EVENTS} ORDER BY e.sequence LIMIT CASE WHEN $5 THEN $6 ELSE {REACH} END) AS e
        WHERE e.audience = ANY ($4::text[]) ORDER BY e.sequence LIMIT $6
    ) AS f
) AS page ON true
WHERE t.id = $1 AND {_SEEN}
"""  # noqa: S608  names of ours


def timeline(principal: Principal, ticket_id: str, page: Page) -> Question:
    """``places`` and ``bodies`` of a page of a ticket's events, and one more, by sequence; null where there is none.

    ``edge``: where the page's reach ended before it was full. ``ticket_id`` is null where the caller has no such
    ticket.
    """
    behind = page.place(int) or (-1,)
    values = (ticket_id, principal.only, *behind, principal.audiences, principal.is_support, page.limit + 1)
    return Question(_TIMELINE, values)


# The length of a text is known without reading it. What has few bytes where it is stored has not many.
_BYTES: Final = """octet_length(t.description)
    + CASE WHEN pg_column_size(t.custom) < 200 THEN 0 ELSE octet_length(t.custom::text) END"""
_LISTED: Final = f"""
SELECT array_agg(p.id) FILTER (WHERE p.is_shown) AS ids, array_agg(p.at) FILTER (WHERE p.is_shown) AS ats,
       array_agg(p.body) FILTER (WHERE p.is_shown) AS bodies, max({{looked_at}}) AS looked_at,
       max(p.id) FILTER (WHERE p.beyond_reach) AS edge_id, max(p.at) FILTER (WHERE p.beyond_reach) AS edge_at
FROM (
    SELECT w.*, CASE WHEN w.is_shown AND w.bytes_before < {PAGE_BYTES} THEN (
        SELECT {TICKET_JSON} FROM tickets AS t WHERE t.account_id = w.account_id AND t.id = w.id
    ) END AS body FROM (
        SELECT f.*, f.{{at}} AS at, f.id IS NOT NULL AND NOT f.beyond_reach AS is_shown,
               coalesce(sum((
                   SELECT {_BYTES} FROM tickets AS t WHERE t.account_id = f.account_id AND t.id = f.id
               )) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
        FROM ({{query}}) AS f
    ) AS w
) AS p
"""  # noqa: S608  names of ours


def listed(query: Question, at: str, *, internal: bool, counts: bool = False) -> Question:
    """The tickets that ``query`` finds, in its order: their ``ids``, ``ats`` (by which the list is sorted), ``bodies``.

    The row that is marked ``beyond_reach`` is not among them: ``edge_id`` and ``edge_at`` are its own. ``internal``:
    whether the reader sees what is support's own; ``counts``: whether the query says in ``looked_at`` how many tickets
    it has looked at. There are bodies for the bytes of one page, and null for the rest.
    """
    looked_at = "p.looked_at" if counts else "NULL::bigint"
    sql = _LISTED.format(internal=str(internal).lower(), at=at, query=query.sql, looked_at=looked_at)
    return Question(sql, query.values)
