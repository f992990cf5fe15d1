"""What the help widget says, by the names under which its script asks for it. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import Message, _, pgettext
from app.events.labels import NOT_CONFIRMED

_FORM: Final = {
    "new_ticket": _("New ticket"),
    "name": _("Your name"),
    "email": _("Your e-mail address"),
    "title": _("What is the problem?"),
    "description": _("What happens, and since when?"),
    "description_hint": _("Links to screenshots and logs help."),
    "severity": _("How bad is it?"),
    "impact": _("How much is affected?"),
    "impact_large": pgettext("widget", "All of it, or everybody"),
    "impact_medium": pgettext("widget", "A part, or several people"),
    "impact_small": pgettext("widget", "A detail, or a single person"),
    "urgency": _("How soon do you need a solution?"),
    "urgency_high": pgettext("widget", "Work has stopped"),
    "urgency_medium": pgettext("widget", "Work goes on with difficulty"),
    "urgency_low": pgettext("widget", "It can wait"),
    "business_impact": _("How does it affect your business?"),
    "business_impact_hint": _("For example: who cannot work, and what it costs."),
    "priority_reason": _("Why can it not wait?"),
    "call_link": _("Link to a video call of your own"),
    "call_link_hint": _("If you leave it empty, we send you a link."),
    "optional": _("optional"),
    "needed": _("Please fill this in."),
    "malformed": _("This does not look right. Please check it."),
    "solutions": _("This may help"),
    "solved_it": _("This has solved it"),
    "as_page": pgettext("widget", "Read or print it on a page of its own"),
    "known_error": pgettext("widget", "Known problem: {title}"),
    "glad": _("We are glad that it is solved. Nothing has been sent."),
    "send": pgettext("widget", "Send"),
    "will_send": _("There is no connection. Your ticket is kept here and is sent as soon as there is one."),
    "not_sent": _("Your ticket could not be sent. Please send it again."),
}
_FILES: Final = {
    "add_files": _("Add files"),
    "files_hint": _("Or drop them here, or paste a picture. Up to {size} each."),
    "file_remove": _("Remove the file: {name}"),
    "file_ready": _("The file is attached: {name}"),
    "file_failed": _("The file could not be sent: {name}"),
    "files_pending": _("A file has not been sent. Please remove it, and add it again if you like."),
    "file_scanning": _("The file is still being checked. Please try again in a moment."),
    "file_quarantined": _("It is blocked, because something harmful was found in it."),
    "file_left_out": _("It could not be saved."),
}
_WATCHERS: Final = {
    "watch": pgettext("widget", "Keep a colleague informed"),
    "watch_hint": _("They get the same e-mails as you, and can answer."),
    "colleague": _("Your colleague's e-mail address"),
    "watching": _("Also informed:"),
    "unwatch": pgettext("widget", "Stop informing {name}"),
    "unwatch_question": _(
        "{name} will get no more e-mails about this ticket, and links in earlier ones will stop working."
    ),
}
_TICKET: Final = {
    "status_new": pgettext("widget", "New"),
    "status_open": pgettext("widget", "In progress"),
    "status_waiting_on_customer": pgettext("widget", "Waiting for you"),
    "status_mitigated": pgettext("widget", "Mitigated"),
    "status_resolved": pgettext("widget", "Solved"),
    "status_closed": pgettext("widget", "Closed"),
    "escalated": pgettext("widget", "Escalated"),
    "overdue": pgettext("widget", "Overdue"),
    "waiting": _("We need an answer from you to continue."),
    "due_first_response": _("First answer by {at}"),
    "due_next_response": _("Next answer by {at}"),
    "due_update": _("Next update by {at}"),
    "due_resolution": _("Solution by {at}"),
    "late_first_response": _("We are late: the first answer was due by {at}"),
    "late_next_response": _("We are late: an answer was due by {at}"),
    "late_update": _("We are late: an update was due by {at}"),
    "late_resolution": _("We are late: a solution was due by {at}"),
    "messages": _("Messages"),
    "you": _("You"),
    "support": pgettext("widget", "Support"),
    "not_confirmed": NOT_CONFIRMED,
    "message": _("Your message"),
    "reply": _("Your reply"),
    "send_reply": _("Send reply"),
    "sent": _("Sent."),
}
_CALL: Final = {
    "call_soon": _("The link to your video call is on its way."),
    "call_ready": _("Your video call is open: you can join at any time."),
    "call_joined": _("You have joined the video call."),
    "call_declined": _("You have told us that you cannot join the call. You can still change your mind."),
    "call_missed": _("You have not joined the call yet. You still can."),
    "join": _("Join the call"),
    "new_window": _("opens in a new window"),
    "cannot_join": _("I can't join"),
    "reason": _("Reason"),
}
_ACTIONS: Final = {
    "escalate": pgettext("widget", "Escalate"),
    "justification": _("What has changed, or gone wrong?"),
    "other_severity": _("It should be"),
    "same": _("As it is"),
    "no_escalations": _("Your plan does not include escalations."),
    "escalate_business_impact": pgettext("widget", "It affects our business more than before"),
    "escalate_resolution_time": pgettext("widget", "It takes too long to solve"),
    "escalate_no_update": pgettext("widget", "We have not heard from you in time"),
    "escalate_too_many_exchanges": pgettext("widget", "Many messages, and still no solution"),
    "escalate_wrong_priority": pgettext("widget", "Its priority is wrong"),
    "escalate_technical_expertise": pgettext("widget", "It needs more expertise"),
    "close": _("It is solved"),
    "close_question": _("Mark the ticket as solved? You can reopen it later."),
    "reopen": pgettext("widget", "Reopen"),
    "is_resolved": _("This ticket is solved."),
    "is_closed": _("This ticket is closed. If you still need help, please open a new one."),
}
_FRAME: Final = {
    "help": pgettext("widget", "Help"),
    "your_tickets": _("Your tickets"),
    "all": pgettext("widget", "Show all"),
    "no_tickets": _("You have no tickets yet."),
    "back": _("Back to your tickets"),
    "close_dialog": _("Close the window"),
    "cancel": pgettext("widget", "Cancel"),
    "again": _("Try again"),
    "no_link": _("This link is not valid, or has expired."),
    "unreachable": _("Support cannot be reached at the moment. Please check your connection."),
}
TEXTS: Final[Mapping[str, Message]] = {**_FORM, **_FILES, **_WATCHERS, **_TICKET, **_CALL, **_ACTIONS, **_FRAME}


def catalogue(language: Language) -> dict[str, str]:
    """All texts in this language; ``{at}`` in them is filled in by the script."""
    return {name: text.to(language) for name, text in TEXTS.items()}
