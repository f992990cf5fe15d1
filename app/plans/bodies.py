"""A plan document as a request's body: JSON, or YAML as ``application/yaml``, with all of its faults in one answer."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import WrapValidator

from app.core.http import StrictRoute
from app.core.problems import BadRequest
from app.plans.documents import PlanDocument, parse, parse_yaml

_YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml")

_EXAMPLE: Final = """\
key: weekdays
name: {en: Weekday support}
programme: {en: "# Weekday support: an answer within four working hours."}
calendars:
  working:
    time_zone: account
    weekly: {mon: [["09:00", "17:00"]], tue: [["09:00", "17:00"]], wed: [["09:00", "17:00"]]}
hours: working
priorities:
  - {key: any, label: {en: Any}, definition: {en: Everything}, examples: {en: [A question]}, contact: [email]}
default_priority: any
targets: {any: {first_response: PT4H, resolution: {business_days: 2}}}
channels: [email]
"""

YAML_TOO: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            "application/json": {"example": parse_yaml(_EXAMPLE).model_dump(mode="json", exclude_unset=True)},
            "application/yaml": {"schema": {"type": "string"}, "example": _EXAMPLE},
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
