"""The OpenAPI document, and its operations: what the tests of the contract walk.

It is read from ``openapi/``, since making it takes seconds in each process; test_document.py compares it with the code.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from app.core.web.replies import dump

Json = dict[str, Any]
DOCUMENT: Final[Json] = json.loads((Path(__file__).parents[2] / "openapi" / "openapi.json").read_text())


def resolved(part: Json) -> Json:
    """The part of the document, or what it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: Json = DOCUMENT["components"][kind][name]
    return found


def _types(schema: Json) -> list[str | None]:
    return [schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()))]


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    spec: Json

    @property
    def name(self) -> str:
        return str(self.spec["operationId"])

    @property
    def headers(self) -> set[str]:
        """The names of its header parameters."""
        return {each["name"] for each in self.spec.get("parameters", ()) if each["in"] == "header"}

    @property
    def queries(self) -> list[Json]:
        """Its query parameters."""
        return [each for each in self.spec.get("parameters", ()) if each["in"] == "query"]

    @property
    def lists(self) -> set[str]:
        """The names of its query parameters that take several values."""
        return {each["name"] for each in self.queries if "array" in _types(each["schema"])}

    @property
    def scope(self) -> str:
        """The scope that it needs."""
        return str(self.spec["x-required-scope"])

    @property
    def takes_actor(self) -> bool:
        """Whether an account's key can name a person: by a query parameter, or a member of the body."""
        return any(each["name"] == "actor" for each in self.queries) or self._body_takes_actor()

    def _body_takes_actor(self) -> bool:
        return "actor" in self.members

    @property
    def members(self) -> set[str]:
        """The names of its body's members."""
        media: Json = next(iter(self.request_media().values()), {})
        schema: Json = media.get("schema", {})
        return {
            name for option in [schema, *schema.get("anyOf", ())] for name in resolved(option).get("properties", {})
        }

    def naming(self, email: str, body: Any) -> Json:
        """How a request, whose body is this one, names a person: what ``World.call`` takes further."""
        if self._body_takes_actor():
            return {"content": dump(body | {"actor": {"email": email}})}
        return {"params": {"actor": email}}

    @property
    def is_ingest(self) -> bool:
        """Whether it takes a hook's key, and any body (``tests/inbound`` tries those)."""
        return {"HookKey": []} in self.spec.get("security", ())

    def request_media(self) -> Json:
        """The media types of its body with what is said of them; empty where it has none."""
        return dict(self.spec.get("requestBody", {}).get("content", {}))

    @property
    def responses(self) -> dict[int, Json]:
        """The declared answers by their status."""
        return {int(status): resolved(answer) for status, answer in self.spec["responses"].items()}


OPERATIONS: Final = {
    operation.name: operation
    for path, item in DOCUMENT["paths"].items()
    for method, spec in item.items()
    for operation in [Operation(method.upper(), path, spec)]
}


def examples_of(media: Json) -> list[Any]:
    """The examples of a body."""
    return [media["example"]] if "example" in media else [each["value"] for each in media["examples"].values()]


def faults(value: Any, schema: Json) -> list[str]:
    """What ``schema``, a part of the document, finds wrong with ``value``."""
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
