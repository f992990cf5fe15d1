"""Which query parameters an operation takes, and which of its dependencies read theirs themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant

from app.core.web.faults import Error
from app.core.web.query_names import takes_several

Parameter: TypeAlias = Mapping[str, Any]
"""A parameter as the OpenAPI document shows it."""


class QueryReader(Protocol):
    """A dependency that reads query parameters itself (``kit/queries``)."""

    parameters: Sequence[Parameter]

    def errors(self, request: Request) -> Sequence[Error]:
        """What is wrong with those of a request."""
        ...


def readers_of(dependant: Dependant) -> list[QueryReader]:
    """The dependencies that do."""
    own = [cast("QueryReader", dependant.call)] if hasattr(dependant.call, "parameters") else []
    return sum(map(readers_of, dependant.dependencies), own)


def parameters_of(dependant: Dependant) -> list[Parameter]:
    """The parameters that they read."""
    return [parameter for reader in readers_of(dependant) for parameter in reader.parameters]


def queries_of(dependant: Dependant, stated: Iterable[Parameter]) -> dict[str, bool]:
    """The names of all parameters of the query, and whether each takes several values; ``stated``: further ones."""
    documented = [*stated, *parameters_of(dependant)]
    named = {each["name"]: takes_several(each["schema"]) for each in documented if each["in"] == "query"}
    return _read_by_fastapi(dependant) | named


def _read_by_fastapi(dependant: Dependant) -> dict[str, bool]:
    own = {field.alias: _is_list(field.field_info.annotation) for field in dependant.query_params}
    for each in dependant.dependencies:
        own |= _read_by_fastapi(each)
    return own


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(each) is list for each in get_args(annotation))
