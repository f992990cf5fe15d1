"""The page on which an engineer answers an alert: HTML for a phone, without any script. Pure."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final, Literal, TypeAlias

from app.core.text.language import Language
from app.tickets.api.answering.texts import WORDS

Said: TypeAlias = Literal[
    "asked", "accepted", "declined", "accepted_by", "declined_by", "expired", "cancelled", "unknown"
]

_STYLE: Final = """\
:root{color-scheme:light dark}
body{font:1.125rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:32rem;padding:1.5rem}
h1{font-size:1.375rem;margin:0 0 1rem}
p{margin:0 0 1rem;overflow-wrap:anywhere}
button{border:2px solid;border-radius:.5rem;display:block;font:inherit;font-weight:600;margin:0 0 1rem;\
min-height:3.5rem;padding:.75rem;width:100%}
.accept{background:#0a5c2b;border-color:#0a5c2b;color:#fff}
.decline{background:transparent;color:inherit}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Nothing of the page is kept or passed on, and nothing runs or is loaded in it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says. ``title``, ``priority`` and ``until`` only while the alert is not answered."""

    said: Said
    language: Language = "en"
    number: str = ""
    title: str = ""
    priority: str = ""
    until: str = ""
    name: str = ""
    """who has answered, or who is asked next; empty: nobody"""


def page(shown: Shown, path: str = "") -> str:
    """The whole page; ``path`` is where its two buttons post to, relative to it: ``<path>/accept``."""
    needed = WORDS["needed"].to(shown.language)
    heading = escape(f"{shown.number}: {needed}" if shown.said == "asked" else shown.number or "Heliodesk")
    lines = "".join(f"<p>{escape(line)}</p>" for line in _lines(shown))
    return (
        f'<!DOCTYPE html><html lang="{shown.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{heading}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{heading}</h1>{lines}{_buttons(shown, path)}</main></body></html>"
    )


def _lines(shown: Shown) -> Iterator[str]:
    language = shown.language
    if shown.said == "asked":
        yield shown.title
        yield WORDS["priority"].to(language, priority=shown.priority)
        yield WORDS["until"].to(language, at=shown.until)
        return
    yield WORDS[shown.said].to(language, name=shown.name)
    if shown.said == "declined":
        yield WORDS["next" if shown.name else "nobody"].to(language, name=shown.name)


def _buttons(shown: Shown, path: str) -> str:
    if shown.said != "asked":
        return ""
    return "".join(
        f'<form method="post" action="{escape(path)}/{name}"><button class="{name}">'
        f"{escape(WORDS[name].to(shown.language))}</button></form>"
        for name in ("accept", "decline")
    )
