"""The letter with a week of a technical account manager's accounts (W1). Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.text.language import Language
from app.core.text.messages import Message, _
from app.core.text.phrases import and_more, moment, moment_in
from app.plans.document.names import METRICS

_WEEK: Final = _("From {since} to {until}")
_OPEN: Final = _("Open tickets: {number}")
_AT_RISK: Final = _("Due within 24 hours: {number}")
_MISSED: Final = _("Missed deadlines: {number}")
_TICKET: Final = "  {number} ({priority}) {title} · {metric}: {due}"


def lines(data: Mapping[str, Any], zone: ZoneInfo, language: Language) -> Iterator[str]:
    """The lines of the letter; ``data`` has the event's members for each of ``accounts``, and the account's name.

    Instants are in the ``zone`` of the letter, which its first line names.
    """
    accounts = data["accounts"]
    since, until = (datetime.fromisoformat(accounts[0][name]) for name in ("since", "until"))
    yield _WEEK.to(language, since=moment(since, zone, language), until=moment_in(until, zone, language))
    for account in accounts:
        yield ""
        yield f"{account['account']}"
        yield from _section(_OPEN, account["open"], (), zone, language)
        yield from _section(_AT_RISK, account["at_risk"], account["tickets_at_risk"], zone, language)
        yield from _section(_MISSED, account["missed"], account["tickets_missed"], zone, language)


def _section(heading: Message, number: int, tickets: Any, zone: ZoneInfo, language: Language) -> Iterator[str]:
    yield heading.to(language, number=number)
    for ticket in tickets:
        due = moment(datetime.fromisoformat(ticket["due_at"]), zone, language)
        metric = METRICS[ticket["metric"]].to(language)
        title = " ".join(ticket["title"].split())
        facts = {name: ticket[name] for name in ("number", "priority")}
        yield _TICKET.format(**facts, title=title, metric=metric, due=due)
    if tickets and number > len(tickets):
        yield f"  {and_more(number - len(tickets)).to(language)}"
