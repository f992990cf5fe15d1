"""What the page says on which an engineer answers an alert, in the engineer's language. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.text.language import Language


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
        next="{name} is being asked now.",
        nobody="Nobody else can be asked at the moment.",
        accepted_by="{name} has already accepted this alert.",
        declined_by="{name} has already declined this alert.",
        expired="The time to answer has run out. Somebody else is being asked.",
        cancelled="You are no longer needed: the alert was withdrawn.",
        unknown="This link is not valid, or is no longer valid.",
    ),
    "es": Words(
        needed="Se le necesita ahora",
        priority="Prioridad: {value}",
        until="Responda antes de las {at}",
        accept="Aceptar",
        decline="Rechazar",
        accepted="Ha aceptado. El tique queda a su cargo.",
        declined="Ha rechazado el aviso.",
        next="Se ha avisado a {name}.",
        nobody="En este momento no hay nadie más a quien avisar.",
        accepted_by="{name} ya ha aceptado este aviso.",
        declined_by="{name} ya ha rechazado este aviso.",
        expired="El plazo para responder ha terminado. Se avisa a otra persona.",
        cancelled="Ya no se le necesita: el aviso se ha retirado.",
        unknown="Este enlace no es válido o ya ha caducado.",
    ),
    "fr": Words(
        needed="On a besoin de vous maintenant",
        priority="Priorité : {value}",
        until="Répondez avant {at}",
        accept="Accepter",
        decline="Refuser",
        accepted="Vous avez accepté. Le ticket vous est confié.",
        declined="Vous avez refusé.",
        next="La demande passe à {name}.",
        nobody="Il n'y a personne d'autre à solliciter pour le moment.",
        accepted_by="{name} a déjà accepté cette alerte.",
        declined_by="{name} a déjà refusé cette alerte.",
        expired="Le délai de réponse est écoulé. Une autre personne est sollicitée.",
        cancelled="On n'a plus besoin de vous : l'alerte a été retirée.",
        unknown="Ce lien n'est pas valide, ou ne l'est plus.",
    ),
    "pl": Words(
        needed="Pilnie Cię potrzebujemy",
        priority="Priorytet: {value}",
        until="Odpowiedz do {at}",
        accept="Przyjmij",
        decline="Odrzuć",
        accepted="Zgłoszenie przyjęte. Od teraz zajmujesz się nim Ty.",
        declined="Zgłoszenie odrzucone.",
        next="Teraz pytamy kolejną osobę: {name}.",
        nobody="W tej chwili nie ma kogo innego zapytać.",
        accepted_by="To zgłoszenie zostało już przyjęte ({name}).",
        declined_by="To zgłoszenie zostało już odrzucone ({name}).",
        expired="Czas na odpowiedź minął. Pytamy kogoś innego.",
        cancelled="Alert został wycofany. Nie musisz już nic robić.",
        unknown="Ten link jest nieprawidłowy lub wygasł.",
    ),
}
