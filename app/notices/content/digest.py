"""The letter with a week of a technical account manager's accounts (W1). Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.text.language import Language
from app.core.text.messages import Message, _, authored
from app.core.text.phrases import and_more, moment, moment_in
from app.events.labels import stated
from app.plans.document.names import METRICS

_OPEN: Final = _("Open tickets: {number}")
_AT_RISK: Final = _("Due within 24 hours: {number}")
_MISSED: Final = _("Missed deadlines: {number}")


def lines(data: Mapping[str, Any], zone: ZoneInfo, language: Language) -> Iterator[str]:
    """The lines of the letter; ``data`` has the event's members for each of ``accounts``, and the account's name.

    Besides, ``priority_names``: by ticket, what its priority is called in each language of its plan. Instants are in
    the ``zone`` of the letter, which its first line names.
    """
    accounts = data["accounts"]
    since, until = (datetime.fromisoformat(accounts[0][name]) for name in ("since", "until"))
    yield f"{moment(since, zone, language)} - {moment_in(until, zone, language)}"
    for account in accounts:
        yield ""
        yield f"{account['account']}"
        yield _OPEN.to(language, number=account["open"])
        names = {ticket_id: authored(texts).to(language) for ticket_id, texts in account["priority_names"].items()}
        yield from _section(_AT_RISK, account["at_risk"], _told(account["tickets_at_risk"], names), zone, language)
        yield from _section(_MISSED, account["missed"], _told(account["tickets_missed"], names), zone, language)


def _told(tickets: Any, names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{**ticket, "priority": names.get(ticket["ticket_id"], ticket["priority"])} for ticket in tickets]


def _section(heading: Message, number: int, tickets: Any, zone: ZoneInfo, language: Language) -> Iterator[str]:
    if not number:
        return
    yield heading.to(language, number=number)
    for ticket in tickets:
        due = moment(datetime.fromisoformat(ticket["due_at"]), zone, language)
        title = " ".join(ticket["title"].split())
        deadline = stated(METRICS[ticket["metric"]], due, language)
        yield f"  {ticket['number']} ({ticket['priority']}) {title}"
        yield f"    {deadline}"
    if number > len(tickets):
        yield f"  {and_more(number - len(tickets)).to(language)}"
