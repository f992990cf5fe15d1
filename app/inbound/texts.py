"""What tickets of alerts say: the sender's own words, with ours around them in the customer's language. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.core.text.language import Language
from app.inbound.decisions import Outcome, Step
from app.inbound.formats.signal import Signal, cleaned

_MAX_SHOWN: Final = 10
_MAX_MESSAGE: Final = 5_000
_MAX_DESCRIPTION: Final = 20_000
_TOLD: Final[Mapping[Outcome, Mapping[Language, str]]] = {
    "started": {"en": "Firing: {}", "es": "Alerta activa: {}", "fr": "Alerte déclenchée : {}", "pl": "Alarm: {}"},
    "restarted": {
        "en": "Firing again: {}",
        "es": "Alerta activa de nuevo: {}",
        "fr": "Alerte de nouveau déclenchée : {}",
        "pl": "Ponowny alarm: {}",
    },
    "changed": {"en": "Changed: {}", "es": "Alerta modificada: {}", "fr": "Alerte modifiée : {}", "pl": "Zmiana: {}"},
    "acknowledged": {
        "en": "Acknowledged at its source: {}",
        "es": "Reconocida en su origen: {}",
        "fr": "Prise en compte à sa source : {}",
        "pl": "Potwierdzono u źródła: {}",
    },
    "resolved": {
        "en": "No longer firing: {}",
        "es": "Ya no está activa: {}",
        "fr": "N'est plus active : {}",
        "pl": "Alarm ustał: {}",
    },
}
OVER: Final[Mapping[Language, str]] = {
    "en": "None of this ticket's alerts is firing any more.",
    "es": "Ya no está activa ninguna de las alertas de este tique.",
    "fr": "Plus aucune des alertes de ce ticket n'est active.",
    "pl": "Żaden z alarmów tego zgłoszenia już nie trwa.",
}
LAST: Final[Mapping[Language, str]] = {
    "en": "Further changes to these alerts will not be posted here.",
    "es": "Los próximos cambios de estas alertas no se publicarán aquí.",
    "fr": "Les prochains changements de ces alertes ne seront pas signalés ici.",
    "pl": "O dalszych zmianach tych alarmów nie będziemy tu informować.",
}
RAISED: Final[Mapping[Language, str]] = {
    "en": "Because of the alert: {}",
    "es": "Por la alerta: {}",
    "fr": "D'après l'alerte : {}",
    "pl": "Na podstawie alarmu: {}",
}
_MORE: Final[Mapping[Language, str]] = {
    "en": "and {} more",
    "es": "y {} más",
    "fr": "et {} de plus",
    "pl": "i jeszcze {}",
}


def description_of(signals: Sequence[Signal], language: Language) -> str:
    """A new ticket's description: what each alert says, its labels, where to read on."""
    shown = [_described(signal) for signal in signals[:_MAX_SHOWN]]
    return cleaned("\n\n".join([*shown, *_more(len(signals), language)]), _MAX_DESCRIPTION)


def _described(signal: Signal) -> str:
    labels = [f"{name}: {value}" for name, value in signal.labels.items()]
    links = [f"{link.text}: {link.url}" for link in signal.links]
    parts = (signal.title, signal.text, "\n".join(labels), "\n".join(links))
    return "\n\n".join(part for part in parts if part)


def message_of(step: Step, language: Language, *, last: bool) -> str:
    """What the ticket is told of its alerts; ``last``: and that it will be told no more."""
    signals = [(outcome, signal) for outcome, signal in step.signals if outcome in _TOLD]
    lines = [_line(outcome, signal, language) for outcome, signal in signals[:_MAX_SHOWN]]
    lines += _more(len(signals), language)
    return cleaned("\n".join([*lines, *([LAST[language]] if last else [])]), _MAX_MESSAGE)


def _line(outcome: Outcome, signal: Signal, language: Language) -> str:
    told = _TOLD[outcome][language].format(signal.title)
    return f"{told}\n{signal.text}" if outcome == "changed" and signal.text else told


def _more(number: int, language: Language) -> list[str]:
    return [_MORE[language].format(number - _MAX_SHOWN)] if number > _MAX_SHOWN else []
