"""What somebody has written in a reply: without what it quotes, and without a signature. Pure.

The library splits a mail at what stands between a reply and what it answers; what that is in the five languages is
said here. A reply below or between what it quotes stays whole.
"""

import re
from typing import Final

from mailparser_reply.parser import EmailMessage

MOST: Final = 20_000
"""Characters that are looked at: a longer reply is left as it is."""
_Q: Final = r"(?:> ?){0,9}"
# Each character is looked at a few times, however often a line nearly ends like one that introduces a quotation: what
# is before the end stops at the end, and of several names of a verb the last counts.
_SAID: Final = (
    r"(?:(?:wrote|escribió|a écrit|pisze|napisał(?:\(a\)|a)?|schrieb(?>(?:(?!schrieb)[^\n:]){0,200}))[ \u00a0]?:"
    r"|schrieb(?>(?:(?!schrieb)[^\n]){0,203})(?:(?<=>:)|(?<=>[ \u00a0]:)))$"
)
_UNTIL: Final = rf"(?>(?:(?!{_SAID})[^\n]){{1,200}})"
_WROTE: Final = (
    rf"^({_Q}(?:On|El|Le|Am|W dniu|Dnia|(?:pon|wt|śr|czw|pt|sob|niedz)\.?,)\s(?=[^\n]{{0,200}}\d)"
    rf"{_UNTIL}(?>(?:\n{_Q}{_UNTIL})?){_SAID})"
)
_FROM: Final = (
    rf"^({_Q}\*?(?:From|De|Von|Od)[ \u00a0]?:[^\n]{{1,300}}"
    rf"(?:\n{_Q}\*?(?:Sent|Date|To|Cc|Subject|Enviado(?: el)?|Fecha|Para|Asunto|Envoyé(?: le)?|À|Objet|Gesendet|Datum"
    r"|An|Betreff|Wysłan[oe]|Data|Do|DW|Temat)[ \u00a0]?:[^\n]{0,2000}){2,8})$"
)
_ORIGINAL: Final = (
    r"^(-{3,10} ?(?:Original Message|Mensaje original|Message d.origine|Ursprüngliche Nachricht"
    r"|Original-Nachricht|Wiadomość oryginalna|Oryginalna wiadomość) ?-{3,10})$"
)
_FORWARDED: Final = re.compile(
    r"^(?:-{3,10} ?(?:Forwarded message|Mensaje reenviado|Message transféré|Weitergeleitete Nachricht"
    r"|Wiadomość przekazana dalej)|Begin forwarded message:|Anfang der weitergeleiteten Nachricht:)",
    re.MULTILINE | re.IGNORECASE,
)
_HEADERS: Final = re.compile(f"{_WROTE}|{_FROM}|{_ORIGINAL}", re.MULTILINE | re.IGNORECASE)
_SIGNATURES: Final = re.compile(
    r"\n(?:--|(?:Sent from (?:my|Outlook|Yahoo)|Get Outlook for|Enviado desde|Envoyé (?:de|depuis) mon|Von meinem"
    r"|Gesendet von|Wysłane z|Wysłano z)[^\n]{0,60})(?=\n|\Z)[\s\S]*"
)
_NOTHING: Final = re.compile(r"(?!)")
_RULE: Final = re.compile(r"^[_-]{20,}$")


def written_in(text: str, *, forwards: bool = True) -> str:
    """What is written in a reply. ``forwards``: what it hands on is a part of it, and stays.

    Empty where there is nothing but what is quoted, or where it cannot be told.
    """
    if len(text) > MOST or (forwards and _FORWARDED.search(text)):
        return ""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    mail = EmailMessage(
        text="\n".join(line.strip() for line in lines),
        _header_regex=_HEADERS,
        _signature_regex=_SIGNATURES,
        _disclaimers_regex=_NOTHING,
    )
    first = mail.read().replies[0]
    if first.headers:
        return ""
    number = first.body.count("\n") + 1 if first.body else 0
    begins = next((place for place, line in enumerate(lines) if line.strip()), 0)
    kept = [line.rstrip() for line in lines[begins : begins + number]]  # the library takes away what lines begin with
    while kept and (not kept[-1] or _RULE.fullmatch(kept[-1].strip())):
        kept.pop()
    return "\n".join(kept)
