"""A historical record as a page without scripts that prints. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

from app.core.text.language import Language
from app.core.text.messages import Message, number, pgettext
from app.core.text.phrases import moment, moment_short
from app.core.web.page import page
from app.core.zones import load_zone
from app.plans.document.names import METRICS, STATUSES

_UTC: Final = load_zone("UTC")
_TITLE: Final = pgettext("record", "Historical record: {name}")
_AS_OF: Final = pgettext("record", "As of {at} UTC")
_MORE: Final = pgettext("record", "There are older tickets that are not listed here.")
_NOTHING: Final = pgettext("record", "There are no tickets in this period.")
_TOTALS: Final[Mapping[str, Message]] = {
    "tickets": pgettext("record", "Tickets: {n}"),
    "missed": pgettext("record", "Missed deadlines: {n}"),
    "escalations": pgettext("record", "Escalations: {n}"),
    "calls": pgettext("record", "Calls: {n}"),
}
_COLUMNS: Final = (
    pgettext("record", "Ticket"),
    pgettext("record", "Opened"),
    pgettext("record", "Resolved"),
    pgettext("record", "Priority"),
    pgettext("record", "Status"),
    pgettext("record", "What happened"),
)
_READ: Final = pgettext("record", "Articles read")
_READ_COLUMNS: Final = (
    pgettext("record", "Article"),
    pgettext("record", "Read by"),
    pgettext("record", "Last read"),
)
_PROBLEM: Final = pgettext("record", "Problem: {number}")
_MISSED: Final = pgettext("record", "Missed: {metrics}")
_CALLED: Final = pgettext("record", "Call: {at}")
_ESCALATED: Final = pgettext("record", "Escalation: {at}")
_UNBROKEN: Final = "&nbsp;"
_TABLE: Final = (
    "<style>body{max-width:60rem}h1{overflow-wrap:anywhere}table{border-collapse:collapse;width:100%;font-size:.875rem}"
    "th,td{border-bottom:1px solid;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "td:first-child{min-width:10rem;overflow-wrap:anywhere}"
    "thead{display:table-header-group}tr{break-inside:avoid}</style>"
)


def record_page(record: Mapping[str, Any], language: Language) -> str:
    """The whole page."""
    totals = (text.to(language, n=number(record["totals"][name], language)) for name, text in _TOTALS.items())
    body = f"<p>{escape(_AS_OF.to(language, at=_when(record['at'], language)))}</p>"
    body += f"<ul>{''.join(f'<li>{escape(total)}</li>' for total in totals)}</ul>"
    if record["tickets"]:
        body += _table(_COLUMNS, (_row(ticket, language) for ticket in record["tickets"]), language)
    else:
        body += f"<p>{escape(_NOTHING.to(language))}</p>"
    if record["more"]:
        body += f"<p>{escape(_MORE.to(language))}</p>"
    if record["articles"]:
        body += f"<h2>{escape(_READ.to(language))}</h2>"
        body += _table(_READ_COLUMNS, (_read(article, language) for article in record["articles"]), language)
    return page(_TITLE.to(language, name=record["name"]), _TABLE + body, language)


def _table(columns: Iterable[Message], rows: Iterable[str], language: Language) -> str:
    head = "".join(f'<th scope="col">{escape(column.to(language))}</th>' for column in columns)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _read(article: Mapping[str, Any], language: Language) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in (article["title"], article["reader"] or "\u2013"))
    return f"<tr>{cells}{_at(article['last_read_at'], language)}</tr>"


def _row(ticket: Mapping[str, Any], language: Language) -> str:
    status = STATUSES[ticket["status"]].to(language) if ticket["status"] in STATUSES else ticket["status"]
    opened, resolved = _at(ticket["opened_at"], language), _at(ticket["resolved_at"], language)
    name = f"{ticket['number']}: {ticket['title']}"
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in (ticket["priority"], status))
    happened = "<br>".join(escape(each) for each in _happened(ticket, language))
    return f"<tr><td>{escape(name)}</td>{opened}{resolved}{cells}<td>{happened}</td></tr>"


def _happened(ticket: Mapping[str, Any], language: Language) -> Iterator[str]:
    if ticket["problem"]:
        yield _PROBLEM.to(language, number=ticket["problem"])
    if ticket["missed"]:
        metrics = [METRICS[name].to(language) for name in ticket["missed"] if name in METRICS]
        yield _MISSED.to(language, metrics=metrics)
    for call in ticket["calls"]:
        yield _CALLED.to(language, at=_when(call["requested_at"], language))
    for escalation in ticket["escalations"]:
        yield _ESCALATED.to(language, at=_when(escalation["requested_at"], language))


def _when(at: datetime | str, language: Language) -> str:
    return moment(at if isinstance(at, datetime) else datetime.fromisoformat(at), _UTC, language)


def _at(at: datetime | str | None, language: Language) -> str:
    """A cell of one line: a day in words would take four."""
    if at is None:
        return "<td>\u2013</td>"
    instant = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return f"<td>{escape(moment_short(instant, _UTC, language)).replace(' ', _UNBROKEN)}</td>"
