"""What the page says on which somebody ends the mails about a ticket. Pure."""

from typing import Final

from app.core.text.messages import pgettext

TITLE: Final = pgettext("mail", "E-mails about ticket {number}")
ON: Final = pgettext("mail", "We send you an e-mail when something happens on this ticket.")
OFF: Final = pgettext("mail", "We do not send you any e-mails about this ticket.")
STOP: Final = pgettext("mail", "Stop these e-mails")
START: Final = pgettext("mail", "Send me e-mails about this ticket")
UNKNOWN: Final = pgettext("mail", "This link is not valid")
UNKNOWN_WHY: Final = pgettext("mail", "The address may have been cut off. Please open the whole link from the e-mail.")
