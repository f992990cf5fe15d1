"""Bodies of replies as readers of mail shape them, and what is written in each: nothing where that cannot be told."""

from typing import Final

_OURS: Final = "We look into it.\n\nTo answer, reply to this e-mail, or open the ticket."


def _quoted(text: str = _OURS) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _gmail(line: str, reply: str) -> str:
    return f"{reply}\n\n{line}\n\n{_quoted()}\n"


def _outlook(words: tuple[str, str, str, str], reply: str, rule: str = "") -> str:
    sender, sent, to, subject = words
    head = f"{sender}: Support <support@helpers.example>\n{sent}: 2026-11-26 10:15\n{to}: Ana Silva <ana@example.com>\n"
    return f"{reply}\n\n{rule}{head}{subject}: K7M-3QP: Backups fail\n\n{_OURS}\n"


_LONG: Final = "The log says:\n\n    error 5 at 10:15\n    error 6 at 10:16\n\nWhat now?"
_RULE: Final = "________________________________\n"
REPLIES: Final[dict[str, tuple[str, str]]] = {
    "gmail en": (
        _gmail("On Thu, Nov 26, 2026 at 10:15 AM Support <support@helpers.example> wrote:", "It is 3.2."),
        "It is 3.2.",
    ),
    "gmail en folded": (
        _gmail("On Thu, Nov 26, 2026 at 10:15 AM Support, the whole team <\nsupport@helpers.example> wrote:", _LONG),
        _LONG,
    ),
    "gmail es": (
        _gmail("El jue, 26 nov 2026 a las 10:15, Support (<support@helpers.example>) escribió:", "Es la 3.2."),
        "Es la 3.2.",
    ),
    "gmail fr": (
        _gmail("Le jeu. 26 nov. 2026 à 10:15, Support <support@helpers.example> a écrit :", "C'est la 3.2."),
        "C'est la 3.2.",
    ),
    "gmail pl": (
        _gmail("czw., 26 lis 2026 o 10:15 Support <support@helpers.example> napisał(a):", "To wersja 3.2."),
        "To wersja 3.2.",
    ),
    "gmail de": (
        _gmail("Am Do., 26. Nov. 2026 um 10:15 Uhr schrieb Support <support@helpers.example>:", "Es ist 3.2."),
        "Es ist 3.2.",
    ),
    "apple en": (
        _gmail("On 26 Nov 2026, at 10:15, Support <support@helpers.example> wrote:", "It is 3.2."),
        "It is 3.2.",
    ),
    "apple de": (
        _gmail("Am 26.11.2026 um 10:15 schrieb Support <support@helpers.example>:", "Es ist 3.2."),
        "Es ist 3.2.",
    ),
    "apple fr": (
        _gmail("Le 26 nov. 2026 à 10:15, Support <support@helpers.example> a écrit :", "C'est la 3.2."),
        "C'est la 3.2.",
    ),
    "apple es": (
        _gmail("El 26 nov 2026, a las 10:15, Support <support@helpers.example> escribió:", "Es la 3.2."),
        "Es la 3.2.",
    ),
    "iphone en": (
        _gmail(
            "On 26 Nov 2026, at 10:15, Support <support@helpers.example> wrote:", "It is 3.2.\n\nSent from my iPhone"
        ),
        "It is 3.2.",
    ),
    "iphone de": (
        _gmail(
            "Am 26.11.2026 um 10:15 schrieb Support <support@helpers.example>:",
            "Es ist 3.2.\n\nVon meinem iPhone gesendet",
        ),
        "Es ist 3.2.",
    ),
    "iphone fr": (
        _gmail("Le 26 nov. 2026 à 10:15, Support <s@helpers.example> a écrit :", "Oui.\n\nEnvoyé de mon iPhone"),
        "Oui.",
    ),
    "thunderbird en": (_gmail("On 26/11/2026 10:15, Support wrote:", "It is 3.2."), "It is 3.2."),
    "thunderbird de": (_gmail("Am 26.11.26 um 10:15 schrieb Support:", "Es ist 3.2."), "Es ist 3.2."),
    "thunderbird fr": (_gmail("Le 26/11/2026 à 10:15, Support a écrit :", "C'est la 3.2."), "C'est la 3.2."),
    "thunderbird es": (_gmail("El 26/11/26 a las 10:15, Support escribió:", "Es la 3.2."), "Es la 3.2."),
    "thunderbird pl": (_gmail("W dniu 26.11.2026 o 10:15, Support pisze:", "To wersja 3.2."), "To wersja 3.2."),
    "outlook en": (_outlook(("From", "Sent", "To", "Subject"), "It is 3.2."), "It is 3.2."),
    "outlook en rule": (_outlook(("From", "Sent", "To", "Subject"), _LONG, _RULE), _LONG),
    "outlook es": (_outlook(("De", "Enviado", "Para", "Asunto"), "Es la 3.2."), "Es la 3.2."),
    "outlook es el": (_outlook(("De", "Enviado el", "Para", "Asunto"), "Es la 3.2.", _RULE), "Es la 3.2."),
    "outlook fr": (_outlook(("De", "Envoyé", "À", "Objet"), "C'est la 3.2."), "C'est la 3.2."),
    "outlook fr spaced": (_outlook(("De ", "Envoyé ", "À ", "Objet "), "C'est la 3.2.", _RULE), "C'est la 3.2."),
    "outlook pl": (_outlook(("Od", "Wysłano", "Do", "Temat"), "To wersja 3.2."), "To wersja 3.2."),
    "outlook pl rule": (_outlook(("Od", "Wysłane", "Do", "Temat"), "To wersja 3.2.", _RULE), "To wersja 3.2."),
    "outlook de": (_outlook(("Von", "Gesendet", "An", "Betreff"), "Es ist 3.2."), "Es ist 3.2."),
    "outlook de rule": (_outlook(("Von", "Gesendet", "An", "Betreff"), "Es ist 3.2.", _RULE), "Es ist 3.2."),
    "outlook original": (
        _outlook(("From", "Sent", "To", "Subject"), "It is 3.2.", "-----Original Message-----\n"),
        "It is 3.2.",
    ),
    "outlook original de": (
        _outlook(("Von", "Gesendet", "An", "Betreff"), "Es ist 3.2.", "-----Ursprüngliche Nachricht-----\n"),
        "Es ist 3.2.",
    ),
    "yahoo": (
        f"It is 3.2.\n\n    On Thu, November 26, 2026 at 10:15 AM GMT+1, Support <s@h.example> wrote:  \n \n {_OURS}",
        "It is 3.2.",
    ),
    "signature": (
        f"It is 3.2.\n\n-- \nAna Silva\nSolar Roofs\n\nOn 26/11/2026 10:15, Support wrote:\n\n{_quoted()}",
        "It is 3.2.",
    ),
    "no quote": ("It is 3.2.\n\nIt fails each night.", "It is 3.2.\n\nIt fails each night."),
    "below the quote": (f"On 26/11/2026 10:15, Support wrote:\n\n{_quoted()}\n\nIt is 3.2.", ""),
    "between": (
        "On 26/11/2026 10:15, Support wrote:\n\n> Which version?\n\nIt is 3.2.\n\n> Since when?\n\nSince Monday.",
        "",
    ),
    "words of headers": (
        "From: the first server\nTo: the second one\nThe copy fails.",
        "From: the first server\nTo: the second one\nThe copy fails.",
    ),
    "dashes": ("Before\n\n---\n\nAfter the line", "Before\n\n---\n\nAfter the line"),
    "wrote": (
        "On Monday the agent wrote: disk full.\nThen it stopped.",
        "On Monday the agent wrote: disk full.\nThen it stopped.",
    ),
    "log with >": ("$ df -h\n> /dev/sda1 97 %\nThis is all.", "$ df -h\n> /dev/sda1 97 %\nThis is all."),
    "thanks": ("Thanks,\nit works.\n\nBest regards\nAna Silva", "Thanks,\nit works.\n\nBest regards\nAna Silva"),
}
