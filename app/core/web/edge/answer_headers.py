"""The header fields that every answer has, whoever writes it. Pure."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Fields: TypeAlias = list[tuple[bytes, bytes]]

EVERY_ANSWER: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
PRIVATE: Final = (b"cache-control", b"no-store")
"""No cache keeps an answer, unless it says of itself that one may."""
PUBLIC: Final = {"Cache-Control": "public, no-cache"}
"""For what is the same for everybody: it may be kept, and is asked for again before it is used."""
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE: Final = (b"content-security-policy", _NOTHING.encode())
_INLINE: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def complete(fields: Fields) -> None:
    """Add to an answer's fields those that it lacks; a page that has no policy of its own may load and run nothing."""
    present = {name.lower(): value for name, value in fields}
    fields += [field for field in EVERY_ANSWER if field[0] not in present]
    if PRIVATE[0] not in present:
        fields.append(PRIVATE)
    if present.get(b"content-type", b"").startswith(b"text/html") and _PAGE[0] not in present:
        fields.append(_PAGE)


def page_policy(html: str, **sources: Sequence[str]) -> dict[str, str]:
    """The policy of a page (CSP 3): its own inline scripts and styles hold, and it loads from these sources by kind.

    ``script=["https://a.example/"]`` becomes ``script-src``. A page that says which styles it loads gets no hash of its
    own ones: with it, ``'unsafe-inline'`` would be of no effect.
    """
    known = {kind: list(given) for kind, given in sources.items()}
    known["script"] = [*_hashes(html, "script"), *known.get("script", [])]
    known.setdefault("style", list(_hashes(html, "style")))
    directives = [f"{kind}-src {' '.join(given)}" for kind, given in known.items() if given]
    return {"Content-Security-Policy": "; ".join([_NOTHING, *directives])}


def _hashes(html: str, wanted: str) -> Iterator[str]:
    for kind, text in _INLINE.findall(html):
        if kind != wanted:
            continue
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        yield f"'sha256-{digest}'"
