"""A small page for people, without scripts. Pure."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

ICON: Final = "data:"
"""What the policy of a page lets images be: an empty icon, so that browsers ask for none."""
_LONGEST: Final = 1000
"""Characters that are read of an ``Accept`` field; browsers send a fifth."""
NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of a page that loads and runs nothing."""
_OPENED: Final = re.compile(r"<(script|style)>")
_STYLE: Final = """\
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:40rem;padding:2rem 1.5rem}
h1{font-size:1.5rem;margin:0 0 1rem}
li{margin:0 0 .5rem}
"""


def page(heading: str, body: str, language: str = "en") -> str:
    """A whole page; ``body`` is HTML."""
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{body}</main></body></html>"
    )


def problem_page(document: Mapping[str, Any], language: str) -> str:
    """A problem document for whoever has a browser: what is wrong, and the id by which the log is searched."""
    faults = [f"{fault['pointer']}: {fault['detail']}" for fault in document.get("errors", ())]
    sentences = [document["detail"], *faults] if "detail" in document else faults
    marks = [f"{document['status']} {document['type']}", document.get("request_id", "")]
    body = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    body += "".join(f"<p><code>{escape(mark)}</code></p>" for mark in marks if mark)
    return page(document["title"], body, language)


def wants_page(accept: str) -> bool:
    """Whether an ``Accept`` field (RFC 9110, 12.5.1) prefers a page to JSON; what likes both as much gets JSON."""
    read = accept[:_LONGEST]
    return _quality(read, "text/html") > _quality(read, "application/json")


def wants_json(accept: str) -> bool:
    """Whether an ``Accept`` field prefers JSON to a page; what likes both as much gets the page."""
    read = accept[:_LONGEST]
    return _quality(read, "application/json") > _quality(read, "text/html")


def _quality(accept: str, media_type: str) -> float:
    """The weight of the most specific range that fits; 0 where none does."""
    ranges = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
    best, found = -1, 0.0
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
        if ranges.get(name, -1) > best:
            best, found = ranges[name], _number(weight)
    return found


def _number(weight: str) -> float:
    try:
        return min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return 0.0


def page_policy(html: str, **sources: Sequence[str]) -> dict[str, str]:
    """The policy of a page (CSP 3): its own inline scripts and styles hold, and it loads from these sources by kind.

    ``script=["https://a.example/"]`` becomes ``script-src``. A page that says which styles it loads gets no hash of its
    own ones: with it, ``'unsafe-inline'`` would be of no effect.
    """
    known = {kind: list(given) for kind, given in sources.items()}
    known["script"] = [*_hashes(html, "script"), *known.get("script", [])]
    known.setdefault("style", list(_hashes(html, "style")))
    directives = [f"{kind}-src {' '.join(given)}" for kind, given in known.items() if given]
    return {"Content-Security-Policy": "; ".join([NOTHING, *directives])}


def _hashes(html: str, wanted: str) -> Iterator[str]:
    for kind, text in _inline(html):
        if kind != wanted:
            continue
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        yield f"'sha256-{digest}'"


def _inline(html: str) -> Iterator[tuple[str, str]]:
    """The scripts and styles of a page, by kind: what is opened within one is a part of it, as browsers read it."""
    begun = _OPENED.search(html)
    while begun and (end := html.find(f"</{begun[1]}>", begun.end())) >= 0:
        yield begun[1], html[begun.end() : end]
        begun = _OPENED.search(html, end)
