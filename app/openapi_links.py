"""Links of the OpenAPI document: which operations take what another one has answered with.

They are derived from the paths. What a ``POST`` creates at ``/v1/hooks`` has the id that ``/v1/hooks/{hook_id}`` and
all below it take; a ``GET`` of a collection that nobody creates into links to what takes the id of its first item.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"
_BODY: Final = "$response.body#/"


@dataclass(frozen=True, slots=True)
class _Operation:
    path: str
    method: str
    spec: Json

    @property
    def parameters(self) -> list[str]:
        """The names of its path's parameters."""
        return _names(self.path)


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def add_links(document: Json) -> None:
    """Give the answers of operations that create or list something their ``links``."""
    schemas = document["components"]["schemas"]
    operations = [
        _Operation(path, method, spec) for path, item in document["paths"].items() for method, spec in item.items()
    ]
    created = {each.path for each in operations if "201" in each.spec["responses"]}
    for operation in operations:
        status = "201" if operation.method == "post" else "200"
        response = operation.spec["responses"].get(status)
        if response is None or (operation.method != "post" and operation.path in created):
            continue
        links = dict(_links(operation, _members(response, schemas), operations, schemas))
        if links:
            response["links"] = links


def _members(response: Json, schemas: Json) -> Json:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    found: Json = _followed(schema, schemas).get("properties", {})
    return found


def _followed(schema: Json, schemas: Json) -> Json:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REF)]
    return schema


def _links(
    source: _Operation, members: Json, operations: list[_Operation], schemas: Json
) -> Iterator[tuple[str, Json]]:
    """The links of one answer by the names of the operations that they lead to."""
    place = _BODY
    if source.method == "get":
        if "items" not in members:
            return
        members = _followed(members["items"].get("items", {}), schemas).get("properties", {})
        place = f"{_BODY}items/0/"
    own = _item_parameter(source.path, operations)
    answered = {name: f"{place}{name}" for name in members} | ({own: f"{place}id"} if own and "id" in members else {})
    asked = {name: f"$request.path.{name}" for name in source.parameters}
    for target in operations:
        below = target.path.startswith(f"{source.path}/{{") or own in target.parameters or _is_by(source, target)
        used = [name for name in target.parameters if name not in asked]
        if below and used and answered.keys() >= set(used):
            values = {name: asked.get(name) or answered[name] for name in target.parameters}
            yield target.spec["operationId"], {"operationId": target.spec["operationId"], "parameters": values}


def _is_by(source: _Operation, target: _Operation) -> bool:
    """Whether the target finds a member of the collection by something else than its id: ``by-number/{number}``."""
    return target.path.startswith(f"{source.path}/by-")


def _item_parameter(collection: str, operations: list[_Operation]) -> str | None:
    """The parameter that names one member of a collection: of the path below it, else by the collection's own name."""
    for each in operations:
        rest = each.path.removeprefix(f"{collection}/")
        if rest != each.path and rest.startswith("{"):
            return _names(rest)[0]
    singular = f"{collection.rsplit('/', 1)[-1].removesuffix('ies').removesuffix('s').replace('-', '_')}_id"
    candidates = (singular, singular.replace("_id", "y_id"))
    return next((name for name in candidates if any(name in each.parameters for each in operations)), None)
