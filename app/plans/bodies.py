"""A plan document as a request's body: JSON, or YAML as ``application/yaml``, with all of its faults in one answer."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import WrapValidator

from app.core.http import StrictRoute
from app.core.problems import BadRequest
from app.plans import examples
from app.plans.documents import PlanDocument, parse, parse_yaml

_YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml")

YAML_TOO: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            "application/json": {"example": examples.WRITTEN},
            "application/yaml": {"schema": {"type": "string"}, "example": examples.YAML},
        }
    }
}
"""``openapi_extra`` of an operation that takes a ``PlanBody`` on a ``PlanRoute``."""


def _read(value: Any, _: Any) -> PlanDocument:
    """FastAPI gives a body that is not JSON as bytes."""
    if not isinstance(value, bytes):
        return parse(value)
    try:
        return parse_yaml(value.decode())
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8 text") from error


PlanBody = Annotated[PlanDocument, WrapValidator(_read)]
"""The parsed document. 422 with a pointer to every fault."""


class PlanRoute(StrictRoute):
    """A route that takes YAML beside JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The strict reading of JSON, or FastAPI's own handler, which leaves YAML alone."""
        json, yaml = super().get_route_handler(), APIRoute.get_route_handler(self)

        async def handle(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            return await (yaml(request) if media_type in _YAML else json(request))

        return handle
