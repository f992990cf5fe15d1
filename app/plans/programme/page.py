"""A programme as HTML: a page without scripts that prints well. Pure."""

import hashlib
import re
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from app.core.text.language import LANGUAGES
from app.core.text.phrases import own_name
from app.core.web.templates import templates
from app.plans.programme.words import PAGE
from app.plans.schemas import Programme

_FOLDER: Final = Path(__file__).parent
STYLE: Final = (_FOLDER / "programme.css").read_bytes()
STYLE_PATH: Final = f"assets/{hashlib.sha256(STYLE).hexdigest()[:16]}/programme.css"
"""Where the page finds its style sheet, from where it is itself; another style sheet has another address."""
_TEMPLATES: Final = templates(_FOLDER)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_SCHEMES: Final = ("http", "https", "mailto", "tel")


class _Markdown(MarkdownIt):
    """Markdown whose links lead to pages, mailboxes and telephones alone; the others stay text."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
        """Whether an address may be linked to."""
        scheme = _SCHEME.match(url)
        return super().validateLink(url) and (scheme is None or scheme[1].lower() in _SCHEMES)


_MARKDOWN: Final = _Markdown("commonmark", {"html": False}).enable("table").disable("image")
"""What plans write: HTML in it stays text, and nothing is loaded from elsewhere."""


def page(programme: Programme, *, query: str = "") -> str:
    """The whole page. ``query`` is what links to the page in other languages keep of its address (``&version=2``)."""
    title, lead, rest = _parts(programme.text)
    template = _TEMPLATES.get_template("programme.html")
    return template.render(
        programme=programme,
        title=title or programme.name,
        lead=lead,
        rest=rest,
        style=STYLE_PATH,
        languages=[(each, own_name(each), f"{programme.plan.key}?lang={each}{query}") for each in LANGUAGES],
        words={name: text.to(programme.language) for name, text in PAGE.items() if name != "version"},
        version=PAGE["version"].to(programme.language, version=programme.plan.version),
    )


def _parts(text: str) -> tuple[Markup | None, Markup, Markup]:
    """The text's own title if it begins with one, what comes before its first chapter, and its chapters."""
    tokens = _MARKDOWN.parse(text)
    title = None
    if tokens and tokens[0].tag == "h1":
        title, tokens = _html(tokens[1:2]), tokens[3:]
    first = next((place for place, token in enumerate(tokens) if token.type == "heading_open"), len(tokens))
    return title, _html(tokens[:first]), _html(tokens[first:])


def _html(tokens: list[Token]) -> Markup:
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704  what it makes is escaped
