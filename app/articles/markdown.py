"""Markdown as HTML that is safe to show, and as plain text that can be searched. Pure."""

from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
"""HTML in it stays text."""
_TAGS: Final = {
    *("a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
_SCHEMES: Final = {"https", "http", "mailto", "tel"}


def html(markdown: str) -> str:
    """HTML without scripts, styles, forms and frames; links go to the web, to mail and telephones alone."""
    return nh3.clean(_MARKDOWN.render(markdown), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)


def plain(markdown: str) -> str:
    """The text alone, a line for each paragraph, item, heading, cell and block of code."""
    return "\n".join(line for token in _MARKDOWN.parse(markdown) if (line := _text(token).strip()))


def rendered(markdown: str) -> tuple[str, str]:
    """The HTML, and the text alone."""
    return html(markdown), plain(markdown)


def _text(token: Token) -> str:
    if token.children is None:
        return token.content
    return "".join(" " if child.type in ("softbreak", "hardbreak") else _text(child) for child in token.children)
