"""What each event says in one sentence, in English, Spanish, French and Polish. Pure.

What is inserted stands behind a colon, in brackets, or where no language that we speak inflects it.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.core.text.language import Language
from app.plans.document.names import METRICS, STATUSES

SENTENCES: Final[Mapping[str, Mapping[Language, str]]] = {
    "ticket.opened": {
        "en": "New ticket, priority {priority}",
        "es": "Nuevo tique, prioridad {priority}",
        "fr": "Nouveau ticket, priorité {priority}",
        "pl": "Nowe zgłoszenie, priorytet {priority}",
    },
    "ticket.updated": {
        "en": "The ticket's details were changed",
        "es": "Se han cambiado los datos del tique",
        "fr": "Les données du ticket ont été modifiées",
        "pl": "Zmieniono dane zgłoszenia",
    },
    "ticket.status_changed": {
        "en": "New status: {status}",
        "es": "Nuevo estado: {status}",
        "fr": "Nouveau statut : {status}",
        "pl": "Nowy status: {status}",
    },
    "ticket.reopened": {
        "en": "The ticket is open again",
        "es": "El tique vuelve a estar abierto",
        "fr": "Le ticket est de nouveau ouvert",
        "pl": "Zgłoszenie jest znów otwarte",
    },
    "ticket.merged": {
        "en": "The ticket was merged with another one",
        "es": "El tique se ha fusionado con otro",
        "fr": "Le ticket a été fusionné avec un autre",
        "pl": "Zgłoszenie połączono z innym",
    },
    "ticket.withdrawn": {
        "en": "The customer withdrew the ticket",
        "es": "El cliente ha retirado el tique",
        "fr": "Le client a retiré le ticket",
        "pl": "Klient wycofał zgłoszenie",
    },
    "ticket.review_requested": {
        "en": "Priority {priority} is to be reviewed: this is not about production",
        "es": "Hay que revisar la prioridad {priority}: no afecta a producción",
        "fr": "La priorité {priority} est à revoir : il ne s'agit pas de la production",
        "pl": "Priorytet {priority} do ponownej oceny: nie chodzi o środowisko produkcyjne",
    },
    "ticket.priority_changed": {
        "en": "New priority: {after} (before: {before})",
        "es": "Nueva prioridad: {after} (antes: {before})",
        "fr": "Nouvelle priorité : {after} (avant : {before})",
        "pl": "Nowy priorytet: {after} (poprzednio: {before})",
    },
    "ticket.tier_changed": {
        "en": "The ticket is now with support tier {after}",
        "es": "El tique pasa al nivel de soporte {after}",
        "fr": "Le ticket passe au niveau de support {after}",
        "pl": "Zgłoszenie trafiło na poziom wsparcia {after}",
    },
    "ticket.assigned": {
        "en": "An engineer is assigned",
        "es": "Hay un ingeniero asignado",
        "fr": "Un ingénieur est chargé du ticket",
        "pl": "Przydzielono inżyniera",
    },
    "ticket.assigned:nobody": {
        "en": "Nobody is assigned any more",
        "es": "Ya no hay nadie asignado",
        "fr": "Plus personne n'est chargé du ticket",
        "pl": "Nikt nie jest już przydzielony",
    },
    "ticket.handed_over": {
        "en": "Handed over to the next shift",
        "es": "Traspasado al siguiente turno",
        "fr": "Transmis à l'équipe suivante",
        "pl": "Przekazano następnej zmianie",
    },
    "ticket.postponed": {
        "en": "The ticket's timers could not be processed; they will be tried again",
        "es": "No se han podido procesar los plazos del tique; se volverá a intentar",
        "fr": "Les échéances du ticket n'ont pas pu être traitées ; un nouvel essai suivra",
        "pl": "Nie udało się przetworzyć terminów zgłoszenia; próba zostanie ponowiona",
    },
    "message.posted": {
        "en": "New message",
        "es": "Nuevo mensaje",
        "fr": "Nouveau message",
        "pl": "Nowa wiadomość",
    },
    "message.posted:internal": {
        "en": "New internal note",
        "es": "Nueva nota interna",
        "fr": "Nouvelle note interne",
        "pl": "Nowa notatka wewnętrzna",
    },
    "deadline.started": {
        "en": "{metric}: the clock has started",
        "es": "{metric}: el reloj ha empezado a contar",
        "fr": "{metric} : le décompte a commencé",
        "pl": "{metric}: zegar ruszył",
    },
    "deadline.moved": {
        "en": "{metric}: there is a new due time",
        "es": "{metric}: hay un nuevo vencimiento",
        "fr": "{metric} : nouvelle échéance",
        "pl": "{metric}: nowy termin",
    },
    "deadline.paused": {
        "en": "{metric}: the clock is paused",
        "es": "{metric}: el reloj está en pausa",
        "fr": "{metric} : le décompte est en pause",
        "pl": "{metric}: zegar wstrzymany",
    },
    "deadline.resumed": {
        "en": "{metric}: the clock goes on",
        "es": "{metric}: el reloj sigue contando",
        "fr": "{metric} : le décompte reprend",
        "pl": "{metric}: zegar znów odlicza",
    },
    "deadline.warning": {
        "en": "{metric}: {share}% of the time is used up",
        "es": "{metric}: se ha consumido el {share} % del tiempo",
        "fr": "{metric} : {share} % du temps est écoulé",
        "pl": "{metric}: minęło {share}% czasu",
    },
    "deadline.missed": {
        "en": "{metric}: deadline missed",
        "es": "{metric}: plazo incumplido",
        "fr": "{metric} : échéance manquée",
        "pl": "{metric}: termin przekroczony",
    },
    "deadline.met": {
        "en": "{metric}: done in time",
        "es": "{metric}: cumplido a tiempo",
        "fr": "{metric} : dans les délais",
        "pl": "{metric}: w terminie",
    },
    "deadline.met_late": {
        "en": "{metric}: done, but late",
        "es": "{metric}: cumplido con retraso",
        "fr": "{metric} : avec du retard",
        "pl": "{metric}: po terminie",
    },
    "deadline.cancelled": {
        "en": "{metric}: no longer due",
        "es": "{metric}: ya no hay plazo",
        "fr": "{metric} : plus d'échéance",
        "pl": "{metric}: termin już nie obowiązuje",
    },
    "plan.applied": {
        "en": "Another version of the support plan applies: {plan}",
        "es": "Rige otra versión del plan de soporte: {plan}",
        "fr": "Une autre version du contrat de support s'applique : {plan}",
        "pl": "Obowiązuje inna wersja planu wsparcia: {plan}",
    },
    "escalation.automatic": {
        "en": "Escalated by itself after a missed deadline: {metric}",
        "es": "Escalado automático por un plazo incumplido: {metric}",
        "fr": "Escalade automatique après une échéance manquée : {metric}",
        "pl": "Automatyczna eskalacja po przekroczonym terminie: {metric}",
    },
    "escalation.requested": {
        "en": "Escalation asked for",
        "es": "Escalado solicitado",
        "fr": "Escalade demandée",
        "pl": "Prośba o eskalację",
    },
    "escalation.acknowledged": {
        "en": "The escalation was acknowledged",
        "es": "Se ha acusado recibo del escalado",
        "fr": "L'escalade a été prise en compte",
        "pl": "Eskalację przyjęto do wiadomości",
    },
    "escalation.accepted": {
        "en": "The escalation was accepted: priority {priority}, tier {tier}",
        "es": "Escalado aceptado: prioridad {priority}, nivel {tier}",
        "fr": "Escalade acceptée : priorité {priority}, niveau {tier}",
        "pl": "Eskalację uznano: priorytet {priority}, poziom {tier}",
    },
    "escalation.declined": {
        "en": "The escalation was declined",
        "es": "Escalado rechazado",
        "fr": "L'escalade a été refusée",
        "pl": "Eskalację odrzucono",
    },
    "escalation.withdrawn": {
        "en": "The escalation was withdrawn",
        "es": "Escalado retirado",
        "fr": "L'escalade a été retirée",
        "pl": "Eskalację wycofano",
    },
    "escalation.suggested": {
        "en": "An escalation may be due: {turns} exchanges without a solution",
        "es": "Puede convenir escalar: {turns} intercambios sin solución",
        "fr": "Une escalade peut s'imposer : {turns} échanges sans solution",
        "pl": "Warto rozważyć eskalację: wymian bez rozwiązania: {turns}",
    },
    "call.requested": {
        "en": "A live call was asked for",
        "es": "Se ha pedido una llamada en directo",
        "fr": "Un appel en direct a été demandé",
        "pl": "Poproszono o rozmowę na żywo",
    },
    "call.ready": {
        "en": "The live call is ready",
        "es": "La llamada en directo está lista",
        "fr": "L'appel en direct est prêt",
        "pl": "Rozmowa na żywo jest gotowa",
    },
    "call.joined": {
        "en": "Somebody has joined the call",
        "es": "Alguien ha entrado en la llamada",
        "fr": "Quelqu'un a rejoint l'appel",
        "pl": "Ktoś dołączył do rozmowy",
    },
    "call.joined:customer": {
        "en": "The customer has joined the call",
        "es": "El cliente ha entrado en la llamada",
        "fr": "Le client a rejoint l'appel",
        "pl": "Klient dołączył do rozmowy",
    },
    "call.joined:engineer": {
        "en": "An engineer has joined the call",
        "es": "Un ingeniero ha entrado en la llamada",
        "fr": "Un ingénieur a rejoint l'appel",
        "pl": "Inżynier dołączył do rozmowy",
    },
    "call.declined": {
        "en": "The customer will not join the call",
        "es": "El cliente no se unirá a la llamada",
        "fr": "Le client ne rejoindra pas l'appel",
        "pl": "Klient nie dołączy do rozmowy",
    },
    "call.no_show": {
        "en": "The customer has not joined the call yet",
        "es": "El cliente aún no ha entrado en la llamada",
        "fr": "Le client n'a pas encore rejoint l'appel",
        "pl": "Klient nie dołączył jeszcze do rozmowy",
    },
    "call.failed": {
        "en": "No call could be set up",
        "es": "No se ha podido organizar la llamada",
        "fr": "L'appel n'a pas pu être organisé",
        "pl": "Nie udało się przygotować rozmowy",
    },
    "call.ended": {
        "en": "The call is over",
        "es": "La llamada ha terminado",
        "fr": "L'appel est terminé",
        "pl": "Rozmowa się zakończyła",
    },
    "expert.alerted": {
        "en": "An expert is asked to take the ticket now",
        "es": "Se ha pedido a un experto que atienda el tique ahora",
        "fr": "Un expert est appelé à prendre le ticket maintenant",
        "pl": "Ekspert został teraz wezwany do zgłoszenia",
    },
    "expert.accepted": {
        "en": "An expert takes the ticket",
        "es": "Un experto se ocupa del tique",
        "fr": "Un expert prend le ticket",
        "pl": "Ekspert przyjął zgłoszenie",
    },
    "expert.declined": {
        "en": "The expert does not take the ticket",
        "es": "El experto no se ocupa del tique",
        "fr": "L'expert ne prend pas le ticket",
        "pl": "Ekspert nie przyjął zgłoszenia",
    },
    "expert.cancelled": {
        "en": "The expert's answer is no longer awaited",
        "es": "Ya no se espera la respuesta del experto",
        "fr": "La réponse de l'expert n'est plus attendue",
        "pl": "Nie czekamy już na odpowiedź eksperta",
    },
    "routing.unstaffed": {
        "en": "Nobody is available",
        "es": "No hay nadie disponible",
        "fr": "Personne n'est disponible",
        "pl": "Nikt nie jest dostępny",
    },
    "routing.unstaffed:max_experts": {
        "en": "The account already has as many experts as its plan allows at once",
        "es": "La cuenta ya tiene tantos expertos como su plan permite a la vez",
        "fr": "Le compte a déjà autant d'experts que son contrat en prévoit à la fois",
        "pl": "Konto ma już tylu ekspertów, ilu naraz przewiduje jego plan",
    },
    "routing.round_exhausted": {
        "en": "No expert on shift has accepted the ticket (round {round})",
        "es": "Ningún experto de turno ha aceptado el tique (ronda {round})",
        "fr": "Aucun expert en service n'a accepté le ticket (tour {round})",
        "pl": "Żaden ekspert na dyżurze nie przyjął zgłoszenia (runda {round})",
    },
    "maintenance.started": {
        "en": "A maintenance window has begun: alerts are held back",
        "es": "Ha comenzado una ventana de mantenimiento: las alertas quedan retenidas",
        "fr": "Une fenêtre de maintenance a commencé : les alertes sont retenues",
        "pl": "Rozpoczęło się okno serwisowe: alarmy są wstrzymane",
    },
    "maintenance.ended": {
        "en": "A maintenance window has ended: alerts still firing are opened now",
        "es": "Ha terminado una ventana de mantenimiento: se abren las alertas que siguen activas",
        "fr": "Une fenêtre de maintenance est terminée : les alertes encore actives sont ouvertes",
        "pl": "Okno serwisowe dobiegło końca: trwające alarmy są teraz otwierane",
    },
    "webhook.disabled": {
        "en": "A webhook endpoint was disabled",
        "es": "Se ha desactivado un destino de webhooks",
        "fr": "Une destination de webhooks a été désactivée",
        "pl": "Wyłączono odbiorcę webhooków",
    },
    "webhook.paused": {
        "en": "A webhook endpoint is paused: too many deliveries are pending",
        "es": "Se ha pausado un destino de webhooks: hay demasiadas entregas pendientes",
        "fr": "Une destination de webhooks est en pause : trop d'envois sont en attente",
        "pl": "Wstrzymano wysyłkę do odbiorcy webhooków: zbyt wiele wiadomości czeka na doręczenie",
    },
    "webhook.resumed": {
        "en": "A webhook endpoint has caught up and is sent to again",
        "es": "Un destino de webhooks se ha puesto al día y vuelve a recibir eventos",
        "fr": "Une destination de webhooks a rattrapé son retard et reçoit de nouveau les événements",
        "pl": "Odbiorca webhooków nadrobił zaległości i znów otrzymuje zdarzenia",
    },
    "webhook.test": {
        "en": "A test message: this endpoint works",
        "es": "Mensaje de prueba: este destino funciona",
        "fr": "Message de test : cette destination fonctionne",
        "pl": "Wiadomość testowa: ten odbiorca działa",
    },
}
"""By event type; behind a colon, by what tells variants apart."""


_VARIANTS: Final[Mapping[str, str]] = {
    "message.posted": "visibility",
    "call.joined": "participant",
    "routing.unstaffed": "reason",
}
"""Which member of an event's data tells its variants apart."""


def sentence(kind: str, data: Mapping[str, Any], language: Language) -> str:
    """What happened, by the event's type and ``data``: in the service's words and the plan's, with nobody's texts."""
    form = SENTENCES.get(f"{kind}:{_variant(kind, data)}") or SENTENCES[kind]
    plan = data.get("to") if kind == "plan.applied" else None
    return form[language].format_map(
        {
            **{name: data.get(name) for name in ("priority", "share", "tier", "turns", "round")},
            "before": data.get("from"),
            "after": data.get("to"),
            "metric": METRICS[language].get(str(data.get("metric")), ""),
            "status": STATUSES[language].get(str(data.get("to")), data.get("to")),
            "plan": f"{plan['key']}, {plan['version']}" if plan else "",
        }
    )


def _variant(kind: str, data: Mapping[str, Any]) -> object:
    if kind == "ticket.assigned":
        return "nobody" if data.get("to") is None else ""
    return data.get(_VARIANTS.get(kind, ""))
