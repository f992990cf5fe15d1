"""Schemas of the OpenAPI document in the form that linters pass and that generators of clients can work with."""

import json
from collections.abc import Iterator
from typing import Any, Final

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"


def name_bodies(document: Json) -> None:
    """Move the objects that request bodies describe in place to the components, each under its title.

    A body that is described once for several media types becomes one schema, and one class of a generated client.
    """
    schemas = document["components"]["schemas"]
    for item in document["paths"].values():
        for operation in item.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                schema = media.get("schema", {})
                if "properties" in schema:
                    name = schema["title"]
                    if schemas.setdefault(name, schema) != schema:
                        raise ValueError(f"Two different schemas are called {name}")
                    media["schema"] = {"$ref": _REF + name}


def describe_tuples(document: Json) -> None:
    """Give every array whose places are described one by one an ``items`` too, which says what any of them may be."""
    for schema in _objects(document):
        places = schema.get("prefixItems")
        if isinstance(places, list) and "items" not in schema:
            distinct = [place for number, place in enumerate(places) if place not in places[:number]]
            schema["items"] = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def say_defaults(document: Json) -> None:
    """Say the defaults of what callers send in words instead of as ``default``.

    openapi-typescript takes a member with a default for one that is always there, and would ask callers for it.
    """
    schemas = document["components"]["schemas"]
    bodies = [operation.get("requestBody", {}) for item in document["paths"].values() for operation in item.values()]
    for name in _reached(bodies, schemas):
        for rule in schemas[name].get("properties", {}).values():
            if "default" in rule:
                said = f"Default: {_as_written(rule.pop('default'))}"
                rule["description"] = f"{rule['description']}. {said}" if "description" in rule else said


def _as_written(value: Any) -> str:
    """A default as its sender would write it: a text bare, anything else as JSON."""
    if value == "":
        return "empty"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def drop_unused(document: Json) -> None:
    """Drop the schemas that nothing refers to: models that other models are made of."""
    components = document["components"]
    schemas = components["schemas"]
    rest = [document["paths"], document["webhooks"], *(part for name, part in components.items() if name != "schemas")]
    used = _reached(rest, schemas)
    for name in schemas.keys() - used:
        del schemas[name]


def _reached(roots: list[Any], schemas: Json) -> set[str]:
    found: set[str] = set()
    waiting = [name for root in roots for name in _references(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_references(schemas[name]))
    return found


def _references(part: Any) -> Iterator[str]:
    for each in _objects(part):
        reference = each.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REF):
            yield reference.removeprefix(_REF)


def _objects(part: Any) -> Iterator[Json]:
    """Every object inside, itself too."""
    waiting = [part]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
