"""What the page of a monthly report says. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, pgettext

TITLE: Final = pgettext("report", "Support report: {month}")
UNKNOWN: Final = pgettext("report", "This link is not valid")
UNKNOWN_WHY: Final = pgettext("report", "It may have expired, or been cut off. Please ask for a new one.")
NOT_OVER: Final = pgettext("report", "Provisional: not all that happened in this month is counted yet.")
LEFT_OUT: Final = pgettext(
    "report", "Incomplete: recent changes to some tickets could not be counted. Tickets affected: {n}"
)
COUNTED: Final = pgettext("report", "Counted until {instant}.")
LISTED: Final = pgettext("report", "{shown} of {all}, the newest first")
WORDS: Final[Mapping[str, Message]] = {
    "languages": pgettext("report", "This report in other languages"),
    "print": pgettext("report", "As a PDF"),
    "plan": pgettext("report", "Plan"),
    "kept": pgettext("report", "Kept in time"),
    "promises": pgettext("report", "Promises"),
    "promises_lead": pgettext(
        "report",
        "Each first response, update and resolution that the plan promises counts once, in the month in which its "
        "clock started, at the priority that the ticket had.",
    ),
    "by_metric": pgettext("report", "What was promised and what was kept"),
    "by_priority": pgettext("report", "By priority"),
    "by_month": pgettext("report", "Month by month"),
    "tickets": pgettext("report", "Tickets"),
    "late": pgettext("report", "Not kept in time"),
    "none_late": pgettext("report", "All promises that were due were kept in time."),
    "none": pgettext("report", "Nothing was promised in this month."),
    "no_tickets": pgettext("report", "No ticket was opened or resolved in this month."),
    "metric": pgettext("report", "Promise"),
    "priority": pgettext("report", "Priority"),
    "month": pgettext("report", "Month"),
    "week": pgettext("report", "Week from"),
    "promised": pgettext("report", "Promised"),
    "met": pgettext("report", "In time"),
    "met_late": pgettext("report", "Late"),
    "missed": pgettext("report", "Missed"),
    "open": pgettext("report", "Still open"),
    "attained": pgettext("report", "Share in time"),
    "objective": pgettext("report", "Objective"),
    "opened": pgettext("report", "Opened"),
    "resolved": pgettext("report", "Resolved"),
    "tickets_opened": pgettext("report", "Tickets opened"),
    "tickets_resolved": pgettext("report", "Tickets resolved"),
    "tickets_reopened": pgettext("report", "Tickets reopened"),
    "escalations": pgettext("report", "Escalations"),
    "not_counted": pgettext("report", "Tickets not fully counted"),
    "ticket": pgettext("report", "Ticket"),
    "due": pgettext("report", "Due"),
    "came": pgettext("report", "Settled"),
    "owed": pgettext("report", "not yet"),
}
