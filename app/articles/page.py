"""An article as a page without scripts that prints. Pure."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from app.core.text.language import Language
from app.core.text.messages import Message, pgettext
from app.core.web.page import ICON, page, page_policy

_PRODUCT: Final = pgettext("article", "Product: {product}")
_TAGS: Final = pgettext("article", "About: {tags}")
_OTHERS: Final = pgettext("article", "In other languages")
_SKETCH: Final[Mapping[str, Message]] = {
    "draft": pgettext("article", "This is a draft."),
    "archived": pgettext("article", "This article is archived."),
}
_STYLE: Final = (
    "<style>article{overflow-wrap:break-word}pre{overflow-x:auto;border:1px solid;padding:.5rem}"
    "pre,code{font-size:.875rem}img{max-width:100%;height:auto}table{border-collapse:collapse}"
    "th,td{border-bottom:1px solid;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "footer,aside{font-size:.875rem}"
    "@media print{nav{display:none}pre{white-space:pre-wrap}pre,tr,img{break-inside:avoid}"
    'article a[href^="http"]::after{content:" (" attr(href) ")"}}</style>'
)
POLICY: Final = page_policy(page("", _STYLE), img=[ICON, "https:"])
"""Of every article's page. It follows from our own styles alone, so that no text can add anything to it."""


def article_page(article: Mapping[str, Any], language: Language) -> str:
    """The whole page: the article in its own language, and what stands around it in the reader's."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(article, language))
    own = escape(article["language"], quote=True)
    body = f'{_STYLE}<article lang="{own}" dir="auto">{article["html"]}</article><footer>{notes}</footer>'
    links = "".join(_link(each) for each in article["translations"])
    if links:
        body += f"<nav><h2>{escape(_OTHERS.to(language))}</h2><ul>{links}</ul></nav>"
    return page(article["title"], body, language)


def _notes(article: Mapping[str, Any], language: Language) -> Iterator[str]:
    if article["status"] in _SKETCH:
        yield _SKETCH[article["status"]].to(language)
    if article["product"]:
        yield _PRODUCT.to(language, product=article["product"])
    if article["tags"]:
        yield _TAGS.to(language, tags=", ".join(article["tags"]))


def _link(article: Mapping[str, Any]) -> str:
    own, address = escape(article["language"], quote=True), escape(article["id"], quote=True)
    return f'<li><a href="{address}" hreflang="{own}" lang="{own}">{escape(article["title"])}</a></li>'
