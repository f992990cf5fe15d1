"""What is sent and answered about solutions. Pure."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from app.articles.schemas import ArticleId
from app.core.schemas.shared import ActorRef, Document, Instant, Strict, Word
from app.events.schemas import Actor
from app.tickets.schemas import Text

_ARTICLE: Final = "art_01k9z3v5q8e9rbn3wz4m6t7y2a"
SOLUTION: Final[dict[str, Any]] = {
    "article_id": _ARTICLE,
    "slug": "la-exportacion-falla",
    "language": "es",
    "title": "La exportación falla al generar el PDF",
    "actor": {"kind": "customer", "id": "per_01k9z3v5q8e9rbn3wz4m6t7y2a", "name": "Ana Silva"},
    "created_at": "2026-11-20T20:30:00Z",
}


class NewSolution(Strict):
    """The article that solves a ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"article_id": _ARTICLE}]})

    article_id: ArticleId
    message: Text | None = Field(
        None, description="A public message. Of support's key: with it the ticket is resolved, without it only linked"
    )
    actor: ActorRef | None = None


class Deflection(Strict):
    """An article has solved what was about to become a ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"conversation": "c7a1"}]})

    conversation: Word | None = Field(
        None,
        description="What it is a part of, by an id of the caller's: a person and an article count once in it. "
        "Default: all that a person does in a day",
    )


class Solution(Document):
    """An article that solves a ticket."""

    article_id: str
    slug: str
    language: str
    title: str
    actor: Actor = Field(description="Who said so")
    created_at: Instant


class Solutions(Document):
    """The articles that solve a ticket."""

    items: list[Solution]
