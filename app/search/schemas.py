"""What the search takes and answers. Pure."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from app.core.problems import invalid_value
from app.core.schemas.shared import Document, Instant, no_nul
from app.core.text.messages import _
from app.search.words import terms

Kind: TypeAlias = Literal["ticket", "article", "problem", "account", "person"]


def _has_words(value: str) -> str:
    if not terms(value):
        raise invalid_value("search", _("A search needs at least one letter or digit"))
    return value


Term = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=200),
    AfterValidator(no_nul),
    AfterValidator(_has_words),
]
_TICKET: Final = "tkt_01k9w3b6bz6p1m7h4c0x3r2saa"
_HIT: Final[dict[str, Any]] = {
    "type": "ticket",
    "id": _TICKET,
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "exact": False,
    "title": "Export ends with an error",
    "title_html": "<mark>Export</mark> ends with an error",
    "excerpt_html": "The <mark>export</mark> of our monthly report …",
    "message_id": None,
    "number": "K7M-3QP",
    "status": "open",
    "priority": "P2",
    "product": "reports",
    "at": "2026-11-20T20:20:00Z",
}


class SearchHit(Document):
    """Something that was found."""

    type: Kind
    id: str
    account_id: str | None = Field(description="null: it is of no account")
    exact: bool = Field(description="What was searched for is its number, its reference or its address")
    title: str = Field(description="Of an account or a person: the name")
    title_html: str = Field(description="The same as HTML, with what was found between `<mark>` and `</mark>`")
    excerpt_html: str | None = Field(description="Where its text, or a message of the ticket, has what was found")
    message_id: str | None = Field(description="The message from which the excerpt is")
    number: str | None
    status: str | None = Field(description="Of a problem: its state; of a person: the role")
    priority: str | None
    product: str | None
    at: Instant


class SearchFacets(Document):
    """How many of all that was found there are of each kind; status, priority and product are those of tickets."""

    type: dict[str, int]
    status: dict[str, int]
    priority: dict[str, int]
    product: dict[str, int]


class SearchAnswer(Document):
    """What was found: exact matches first, then the best, and of equally good ones the newest."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [_HIT],
                    "facets": {
                        "type": {"ticket": 1},
                        "status": {"open": 1},
                        "priority": {"P2": 1},
                        "product": {"reports": 1},
                    },
                    "more": False,
                    "corrections": {"exprot": "export"},
                }
            ]
        }
    )

    items: list[SearchHit]
    facets: SearchFacets
    more: bool = Field(
        description="There is more than was looked at: some thousand of the newest texts, and a thousand of the others"
    )
    corrections: dict[str, str] = Field(
        description="Where no text has any of the words: those that seem mistyped, and what was looked for instead. "
        "Articles are found by mistyped words without it"
    )
