"""What the page says on which an engineer answers an alert, in the engineer's language. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.language import Language


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language; ``{name}`` is somebody's name, ``{at}`` an instant, ``{value}`` a priority."""

    needed: str
    priority: str
    until: str
    accept: str
    decline: str
    accepted: str
    declined: str
    next: str
    nobody: str
    accepted_by: str
    declined_by: str
    expired: str
    cancelled: str
    unknown: str


WORDS: Final[Mapping[Language, Words]] = {
    "en": Words(
        needed="You are needed now",
        priority="Priority: {value}",
        until="Answer by {at}",
        accept="Accept",
        decline="Decline",
        accepted="You have accepted. The ticket is yours.",
        declined="You have declined.",
        next="{name} is asked next.",
        nobody="Nobody else can be asked at the moment.",
        accepted_by="{name} has already accepted this alert.",
        declined_by="{name} has already declined this alert.",
        expired="The time to answer is over. Somebody else is asked.",
        cancelled="You are not needed any more: the alert was withdrawn.",
        unknown="This link is not valid, or is no longer valid.",
    ),
    "es": Words(
        needed="Se le necesita ahora",
        priority="Prioridad: {value}",
        until="Responda antes de {at}",
        accept="Aceptar",
        decline="Rechazar",
        accepted="Ha aceptado. El ticket es suyo.",
        declined="Ha rechazado el aviso.",
        next="Ahora se pregunta a {name}.",
        nobody="En este momento no se puede preguntar a nadie más.",
        accepted_by="{name} ya ha aceptado este aviso.",
        declined_by="{name} ya ha rechazado este aviso.",
        expired="El plazo para responder ha terminado. Se pregunta a otra persona.",
        cancelled="Ya no se le necesita: el aviso se ha retirado.",
        unknown="Este enlace no es válido o ya ha caducado.",
    ),
    "fr": Words(
        needed="On a besoin de vous maintenant",
        priority="Priorité : {value}",
        until="Répondez avant {at}",
        accept="Accepter",
        decline="Refuser",
        accepted="Vous avez accepté. Le ticket est à vous.",
        declined="Vous avez refusé.",
        next="{name} est maintenant sollicité.",
        nobody="Personne d'autre ne peut être sollicité pour le moment.",
        accepted_by="{name} a déjà accepté cette alerte.",
        declined_by="{name} a déjà refusé cette alerte.",
        expired="Le délai de réponse est écoulé. Quelqu'un d'autre est sollicité.",
        cancelled="On n'a plus besoin de vous : l'alerte a été retirée.",
        unknown="Ce lien n'est pas valide, ou ne l'est plus.",
    ),
    "pl": Words(
        needed="Jesteś teraz potrzebny",
        priority="Priorytet: {value}",
        until="Odpowiedz do {at}",
        accept="Przyjmij",
        decline="Odrzuć",
        accepted="Zgłoszenie przyjęte. Zajmujesz się nim Ty.",
        declined="Zgłoszenie odrzucone.",
        next="Następną pytaną osobą jest {name}.",
        nobody="W tej chwili nie można zapytać nikogo innego.",
        accepted_by="{name} już przyjmuje to zgłoszenie.",
        declined_by="To zgłoszenie zostało już odrzucone ({name}).",
        expired="Czas na odpowiedź minął. Pytamy kogoś innego.",
        cancelled="Nie jesteś już potrzebny: alert został wycofany.",
        unknown="Ten link jest nieprawidłowy lub wygasł.",
    ),
}
