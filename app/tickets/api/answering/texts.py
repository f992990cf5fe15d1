"""What the page says on which an engineer answers an alert. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, _

WORDS: Final[Mapping[str, Message]] = {
    "needed": _("You are needed now"),
    "priority": _("Priority: {priority}"),
    "until": _("Answer by {at}"),
    "accept": _("Accept"),
    "decline": _("Decline"),
    "accepted": _("You have accepted. The ticket is yours."),
    "declined": _("You have declined."),
    "next": _("{name} has been alerted instead."),
    "nobody": _("Nobody else can be alerted at the moment."),
    "accepted_by": _("{name} has already accepted this alert."),
    "declined_by": _("{name} has already declined this alert."),
    "expired": _("The time to answer has run out. Somebody else is being alerted."),
    "cancelled": _("You are no longer needed: the alert was withdrawn."),
    "unknown": _("This link is not valid, or has expired."),
}
"""``{name}`` is somebody's name, ``{at}`` a time of day and its zone."""
