"""A plan document as a request's body: JSON, or YAML as ``application/yaml``, which is read where it is checked."""

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import WrapValidator

from app.core.web.http import Handler, StrictRoute
from app.plans.document import examples
from app.plans.document.parsing.documents import PlanDocument
from app.plans.document.parsing.heavy import PlanText

_YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml")

SHOWN: Final[dict[str, Any]] = {"requestBody": {"content": {"application/json": {"example": examples.WRITTEN}}}}
"""``openapi_extra`` of an operation that takes a ``PlanBody`` on a ``PlanRoute``.

That it takes YAML stands in its description alone: generators of clients know no YAML, and warn of it.
"""


def _unread(value: Any, _: Any) -> PlanText:
    """FastAPI gives a body that is not JSON as bytes."""
    return PlanText(value, yaml=True) if isinstance(value, bytes) else value


if TYPE_CHECKING:
    PlanBody: TypeAlias = PlanText
else:
    PlanBody = Annotated[PlanDocument, WrapValidator(_unread)]
    """The text of a document, for ``heavy.checked``; described as what it is to be."""


class PlanRoute(StrictRoute):
    """A route that takes YAML beside JSON, and reads neither."""

    def read(self, body: bytes) -> PlanText:
        """The body as it came."""
        return PlanText(body, yaml=False)

    def body_handler(self) -> Handler:
        """The handler of JSON, or FastAPI's own, which leaves YAML alone."""
        json, yaml = super().body_handler(), APIRoute.get_route_handler(self)

        async def handle(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            return await (yaml(request) if media_type in _YAML else json(request))

        return handle
