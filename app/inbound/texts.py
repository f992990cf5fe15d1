"""What tickets of alerts say: the sender's own words, with ours around them in the customer's language. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.core.problems import Problem
from app.core.text.language import Language
from app.core.text.messages import Message, _, in_language, joined, pgettext
from app.core.text.phrases import and_more
from app.inbound.decisions import Outcome, Step
from app.inbound.formats.signal import Signal, Unreadable, cleaned

_MAX_SHOWN: Final = 10
_MAX_MESSAGE: Final = 5_000
_MAX_DESCRIPTION: Final = 20_000
_TOLD: Final[Mapping[Outcome, Message]] = {
    "started": pgettext("alert", "Firing: {title}"),
    "restarted": pgettext("alert", "Firing again: {title}"),
    "changed": pgettext("alert", "Changed: {title}"),
    "acknowledged": pgettext("alert", "Acknowledged at its source: {title}"),
    "resolved": pgettext("alert", "No longer firing: {title}"),
}
OVER: Final = pgettext("alert", "None of this ticket's alerts is firing any more.")
_LAST: Final = pgettext("alert", "Further changes to these alerts will not be posted here.")
RAISED: Final = pgettext("alert", "Because of the alert: {title}")


FAILED: Final = _("The service failed to process it, and its log says why")


def failure_of(error: Exception) -> Message:
    """Why something that a hook received could not be processed, for the hook's owner."""
    if isinstance(error, Unreadable):
        return error.reason
    if isinstance(error, Problem):
        faults = (joined((fault["pointer"], fault["detail"]), ": ") for fault in error.errors)
        return joined((error.detail or error.title, *faults))
    return FAILED


def description_of(signals: Sequence[Signal], language: Language) -> str:
    """A new ticket's description: what each alert says, its labels, where to read on."""
    shown = [_described(signal, language) for signal in signals[:_MAX_SHOWN]]
    return cleaned("\n\n".join([*shown, *_more(len(signals), language)]), _MAX_DESCRIPTION)


def _described(signal: Signal, language: Language) -> str:
    labels = [f"{name}: {value}" for name, value in signal.labels.items()]
    links = [f"{in_language(link.text, language)}: {link.url}" for link in signal.links]
    parts = (in_language(signal.title, language), signal.text, "\n".join(labels), "\n".join(links))
    return "\n\n".join(part for part in parts if part)


def message_of(step: Step, language: Language, *, last: bool) -> str:
    """What the ticket is told of its alerts; ``last``: and that it will be told no more."""
    signals = [(outcome, signal) for outcome, signal in step.signals if outcome in _TOLD]
    lines = [_line(outcome, signal, language) for outcome, signal in signals[:_MAX_SHOWN]]
    lines += _more(len(signals), language)
    return cleaned("\n".join([*lines, *([_LAST.to(language)] if last else [])]), _MAX_MESSAGE)


def _line(outcome: Outcome, signal: Signal, language: Language) -> str:
    told = _TOLD[outcome].to(language, title=signal.title)
    return f"{told}\n{signal.text}" if outcome == "changed" and signal.text else told


def _more(number: int, language: Language) -> list[str]:
    return [and_more(number - _MAX_SHOWN).to(language)] if number > _MAX_SHOWN else []
