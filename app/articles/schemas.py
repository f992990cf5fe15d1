"""What is sent and answered about articles. Pure."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from app.core.schemas.shared import Document, Instant, Locale, Strict, Word, id_pattern, no_nul
from app.events.schemas import Actor

ArticleId = Annotated[str, StringConstraints(pattern=id_pattern("art"))]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
Audience: TypeAlias = Literal["public", "customers", "internal"]
ArticleStatus: TypeAlias = Literal["draft", "published", "archived"]
Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(no_nul)]
_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(no_nul)]
MOST_BODY: Final = 50_000
"""Characters of an article's text."""
_Body = Annotated[
    str,
    BeforeValidator(lambda value: value.strip("\r\n") if isinstance(value, str) else value),
    StringConstraints(min_length=1, max_length=MOST_BODY),
    AfterValidator(no_nul),
]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=50_000), AfterValidator(no_nul)]
_ARTICLE: Final = "art_01k9z3v5q8e9rbn3wz4m6t7y2a"
_SAID: Final[dict[str, Any]] = {
    "title": "La exportación falla al generar el PDF",
    "body": "Reduzca el informe a **200 páginas** y vuelva a exportarlo.",
    "product": "reports",
    "tags": ["pdf", "exportación"],
    "audience": "public",
    "status": "published",
}
_LINK: Final = {"id": "art_01k9z3v5q8e9rbn3wz4m6t7y2b", "language": "en", "title": "Exporting to PDF fails"}
_SHOWN: Final[dict[str, Any]] = {
    "id": _ARTICLE,
    "slug": "la-exportacion-falla",
    "language": "es",
    **_SAID,
    "html": "<p>Reduzca el informe a <strong>200 páginas</strong> y vuelva a exportarlo.</p>\n",
    "helpful": 12,
    "unhelpful": 1,
    "solved": 7,
    "translations": [_LINK],
    "created_by": {"kind": "engineer", "id": "eng_01k9z3v5q8e9rbn3wz4m6t7y2c", "name": "Noor Haddad"},
    "updated_by": {"kind": "engineer", "id": "eng_01k9z3v5q8e9rbn3wz4m6t7y2c", "name": "Noor Haddad"},
    "version": 3,
    "created_at": "2026-11-20T20:30:00Z",
    "updated_at": "2026-11-21T08:00:00Z",
    "published_at": "2026-11-20T20:30:00Z",
}
_HIT: Final[dict[str, Any]] = {
    "id": _ARTICLE,
    "slug": "la-exportacion-falla",
    "language": "es",
    "title": "La exportación falla al generar el PDF",
    "product": "reports",
    "tags": ["pdf", "exportación"],
    "audience": "public",
    "title_html": "La <mark>exportación</mark> <mark>falla</mark> al generar el PDF",
    "excerpt_html": "Reduzca el informe a 200 páginas y vuelva a exportarlo.",
    "score": 0.92,
}
_SUGGESTION: Final[dict[str, Any]] = _HIT | {
    "reason": "Mentions: exportación, falla",
    "matched": ["exportación", "falla"],
}

_KNOWN_ERROR: Final[dict[str, Any]] = {
    "number": "PRB-K7M-3QP",
    "title": "Exports of large reports end with a timeout",
    "title_html": "<mark>Exports</mark> of large reports end with a <mark>timeout</mark>",
    "workaround": "Export one month at a time.",
    "score": 0.64,
    "reason": "Mentions: Exports, timeout",
    "matched": ["Exports", "timeout"],
}


def _each_once(values: Any) -> Any:
    return (
        list(dict.fromkeys(values)) if isinstance(values, list) and all(isinstance(v, str) for v in values) else values
    )


class ArticleFields(Strict):
    """What an article says and who may read it; all of it can be changed later."""

    title: _Title
    body: _Body = Field(description="Markdown (CommonMark, tables, strikethrough); HTML in it is shown as text")
    product: Word | None = None
    tags: Annotated[list[Word], BeforeValidator(_each_once), Field(max_length=50)] = Field(default_factory=list)
    audience: Audience = Field(
        "customers", description="`public`: everybody, without a key; `customers`: who has a key; `internal`: support"
    )
    status: ArticleStatus = Field("draft", description="Only `published` articles are found, and read by others")


class NewArticle(ArticleFields):
    """A new article, or the translation of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "es", **_SAID}]})

    slug: Slug | None = Field(
        None, description="Its name in addresses and files. Articles of one slug are translations of each other; "
        "by default a new one that the title suggests",
    )  # fmt: skip
    language: Locale = "en"


class ArticleLink(Document):
    """Another language in which the article can be read."""

    id: str
    language: str
    title: str


class Article(Document):
    """An article of the knowledge base."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, json_schema_extra={"examples": [_SHOWN]})

    id: str
    slug: str
    language: str
    title: str
    body: str = Field(description="Markdown")
    html: str = Field(description="The body as HTML, without anything that could run")
    product: str | None
    tags: list[str]
    audience: Audience
    status: ArticleStatus
    helpful: int = Field(description="Votes of those whom it helped")
    unhelpful: int
    solved: int = Field(description="How often somebody said that it solved something")
    translations: list[ArticleLink] = Field(
        description="The same article in other languages, as far as you may read it"
    )
    created_by: Actor | None = Field(description="For support")
    updated_by: Actor | None = Field(description="For support")
    version: int
    created_at: Instant
    updated_at: Instant
    published_at: Instant | None = Field(description="When it was first published")


class ArticleSummary(Document):
    """An article in a list, without its text."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    id: str
    slug: str
    language: str
    title: str
    product: str | None
    tags: list[str]
    audience: Audience
    status: ArticleStatus
    helpful: int
    unhelpful: int
    solved: int
    version: int
    created_at: Instant
    updated_at: Instant
    published_at: Instant | None


SUMMARY: Final = {name: _SHOWN[name] for name in ArticleSummary.model_fields}


class ArticleHit(Document):
    """An article that a search has found."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HIT]})

    id: str
    slug: str
    language: str
    title: str
    product: str | None
    tags: list[str]
    audience: Audience
    title_html: str = Field(description="The title as HTML; `<mark>` stands around what was found")
    excerpt_html: str = Field(description="Where in the text it was found, as HTML")
    score: float = Field(description="From 0 to 1: how well it fits what was asked")


class ArticleHits(Document):
    """What a search has found, the best first."""

    items: list[ArticleHit]


class ArticleSuggestion(ArticleHit):
    """An article that may solve it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUGGESTION]})

    reason: str = Field(description="Why it is suggested, in your language")
    matched: list[str] = Field(description="Words of the article by which it was found")


class KnownErrorSuggestion(Document):
    """A known error that may be behind it: a problem that is not solved yet, with a workaround."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KNOWN_ERROR]})

    number: str = Field(description="The problem's")
    title: str
    title_html: str = Field(description="The title as HTML; `<mark>` stands around what was found")
    workaround: str
    score: float = Field(description="As an article's")
    reason: str = Field(description="Why it is suggested, in your language")
    matched: list[str] = Field(description="Words by which it was found")


class ArticleSuggestions(Document):
    """What may solve it, the best first; none where nothing is good enough."""

    items: list[ArticleSuggestion]
    known_errors: list[KnownErrorSuggestion] = Field(
        description="Problems that support knows, with what helps until they are solved; not for guests"
    )


class ArticleQuestion(Strict):
    """What somebody is about to ask."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "No puedo exportar", "description": "El PDF falla", "language": "es"}]
        }
    )

    title: Annotated[_Text, Field(max_length=300)] = ""
    description: _Text = Field("", description="Its first 10,000 characters count")
    product: Word | None = None
    language: Locale | None = Field(None, description="Which is preferred; by default that of the reader")
    limit: StrictInt = Field(3, ge=1, le=10)


class ArticleVersion(Document):
    """What an article said in one of its versions, and what that version changed."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    **_SAID,
                    "article_id": _ARTICLE,
                    "version": 3,
                    "author": _SHOWN["updated_by"],
                    "created_at": "2026-11-21T08:00:00Z",
                    "diff": f"--- 2\n+++ 3\n@@ -6 +6 @@\n-Reduzca el informe.\n+{_SAID['body']}",
                }
            ]
        },
    )

    article_id: str
    version: int
    title: str
    body: str
    product: str | None
    tags: list[str]
    audience: Audience
    status: ArticleStatus
    author: Actor
    created_at: Instant
    diff: str = Field(description="What changed since the version before, as a unified diff; empty for the first one")


class ArticleVote(Strict):
    """Whether an article helped. A second vote of the same person takes the place of the first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"helpful": True}]})

    helpful: StrictBool
