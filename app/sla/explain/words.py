"""The words in which a deadline is explained. Pure.

What is inserted stands behind a colon, in brackets, or where no language that we speak inflects it.
"""

from collections.abc import Mapping
from typing import Final

from app.core.text.messages import Message, _, pgettext

SENTENCES: Final[Mapping[str, Message]] = {
    "always": _("{metric}: {target}, counted around the clock."),
    "always_at": _("{metric} (priority {priority}): {target}, counted around the clock."),
    "hours_at": _("{metric} (priority {priority}): {target}, counted in working hours ({zone})."),
    "days_at": _("{metric} (priority {priority}): {target} ({zone}), which is {amount} of working time."),
    "plan": _("The plan is {plan}, version {version}."),
    "draft": _("The plan is {plan}."),
    "sooner": _(
        "The ticket's priority is {current}, but the time promised for {priority} runs out sooner, "
        "so that is what counts."
    ),
    "started": _("The clock started on {at}."),
    "used": _("Time used: {consumed}."),
    "left": _("Time left: {remaining}."),
    "paused": _("Paused, so not counted: {length}."),
    "outside_hours": _("Outside working hours, so not counted: {length}."),
    "not_counting": _("At a less urgent priority, so not counted for this one: {length}."),
    "moved": _("On {at} the due time moved from {before} to {after}, because {reason}."),
    "due": _("It is due on {due}."),
    "waiting": _("The clock is paused: a new due time is set when it resumes."),
    "met": _("Done on time on {ended}: it was due on {due}."),
    "met_paused": _("Done on time on {ended}: the clock was paused."),
    "missed": _("Missed: it was due on {due} and is {late} late."),
    "missed_ended": _("Missed: it was due on {due}."),
    "met_late": _("Done late on {ended}: it was due on {due}. Delay: {late}."),
    "cancelled": _("Cancelled on {ended}, because {reason}."),
    "zone": _("All times are local to {zone}."),
}
REASONS: Final[Mapping[str, Message]] = {
    "priority_raised": pgettext("because", "the priority was raised"),
    "priority_lowered": pgettext("because", "the priority was lowered"),
    "first_response": pgettext("because", "the first response was given"),
    "plan": pgettext("because", "another version of the plan was applied"),
    "resolved": pgettext("because", "the ticket was resolved"),
    "resolved_by_sender": pgettext("because", "the ticket was resolved before support had replied"),
    "withdrawn": pgettext("because", "the ticket was withdrawn"),
    "merged": pgettext("because", "the ticket was merged into another one"),
    "closed": pgettext("because", "the ticket was closed"),
    "mitigated": pgettext("because", "the problem was mitigated"),
    "tier": pgettext("because", "the ticket moved to another tier"),
    "escalation_ack:withdrawn": pgettext("because", "the escalation was withdrawn"),
    "call_ended": pgettext("because", "the call ended"),
    "assigned": pgettext("because", "somebody else took the ticket"),
    "handed_over": pgettext("because", "the ticket was handed over"),
    "expired": pgettext("because", "no answer came in time"),
    "": pgettext("because", "it was no longer needed"),
}
