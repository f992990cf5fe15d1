"""Articles for tests."""

from typing import Any, Final

from tests.support.stories import Caller

PDF: Final[dict[str, Any]] = {
    "slug": "pdf-falla",
    "language": "es",
    "title": "La exportación falla al generar el PDF",
    "body": "Reduzca el informe a **200 páginas** y vuelva a exportarlo.",
    "product": "Prism",
    "tags": ["informe"],
    "audience": "public",
    "status": "published",
}
BACKUP: Final[dict[str, Any]] = {
    "slug": "blad-lacznosci",
    "language": "pl",
    "title": "Kopia zapasowa kończy się błędem łączności",
    "body": "Sprawdź zaporę: port 443 musi być otwarty dla adresów usługi.",
    "product": "Vault",
    "audience": "customers",
    "status": "published",
}
RUNBOOK: Final[dict[str, Any]] = {
    "slug": "refund-runbook",
    "language": "en",
    "title": "Runbook: granting a refund",
    "body": "A lead approves refunds above 100 euros.",
    "product": "Account",
    "audience": "internal",
    "status": "published",
}


async def write(engineer: Caller, *articles: dict[str, Any]) -> list[Any]:
    """Articles as an engineer writes them."""
    return [await engineer.post("/v1/articles", 201, **article) for article in articles]


async def found(who: Caller, q: str, path: str = "/v1/articles/search", **more: Any) -> list[str]:
    """The slugs of what a search finds, the best first."""
    return [hit["slug"] for hit in (await who.get(path, q=q, **more))["items"]]
