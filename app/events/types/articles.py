"""What is told of the knowledge base. Pure."""

from pydantic import Field

from app.events.types.data import TextEvent


class _Article(TextEvent):
    audience = "internal"
    article_id: str
    slug: str
    language: str
    title: str
    product: str | None
    readers: str = Field(description="The article's audience: `public`, `customers` or `internal`")
    version: int


class ArticlePublished(_Article):
    """An article was published, or one that is published was changed."""

    type = "article.published"


class ArticleWithdrawn(_Article):
    """An article that was published has become a draft, or is archived."""

    type = "article.withdrawn"
