"""The mail that leads to the monthly report of an account, and tells its main figures. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.core.text.language import Language
from app.core.text.messages import pgettext
from app.core.text.phrases import day_of
from app.core.zones import load_zone
from app.notices.content.mails import Entry, Link, Mail

READER: Final = "report_reader"
"""The role of somebody who gets an account's monthly report."""
_SUBJECT: Final = pgettext("report", "{account}: support report for {month}")
_HEADING: Final = pgettext("report", "Support report: {month}")
_TOLD: Final = pgettext("report", "What your support plan promised in this month, and what was kept:")
_FIGURE: Final = pgettext("report", "{name}: {value}")
_OPEN: Final = pgettext("report", "Open the report")
_UNTIL: Final = pgettext("report", "The link opens the report until {day}, for everybody who has it.")
_WHY: Final = pgettext(
    "report", "You get this e-mail because your organisation has asked for a monthly report to be sent to you."
)


def report_mail(
    data: Mapping[str, Any], recipient: Mapping[str, Any], language: Language, links: Mapping[str, str]
) -> Mail:
    """The mail. ``data`` has ``account``, ``month_name``, ``figures`` (names and values) and ``expires_at``.

    Of the ``links``, ``page`` opens the report; there is none where the service does not know its own address.
    """
    zone = load_zone(recipient.get("time_zone") or "UTC")
    day = datetime.fromisoformat(data["expires_at"]).astimezone(zone).date()
    until = _UNTIL.to(language, day=day_of(day, "long", language))
    return Mail(
        language,
        _SUBJECT.to(language, account=data["account"], month=data["month_name"]),
        _HEADING.to(language, month=data["month_name"]),
        about=data["account"],
        lead=[_TOLD.to(language)],
        entries=[Entry(_FIGURE.to(language, name=name, value=value)) for name, value in data["figures"]],
        button=Link(_OPEN.to(language), links["page"]) if "page" in links else None,
        notes=[*([until] if "page" in links else []), _WHY.to(language)],
    )
