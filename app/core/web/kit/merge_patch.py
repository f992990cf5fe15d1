"""Merge patches as the bodies of requests, and what they make of a resource."""

from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from app.core.problems import Fault, Invalid
from app.core.schemas.mailboxes import kept
from app.core.schemas.shared import ActorRef
from app.core.text.messages import _
from app.core.web.body import read_json, require_json
from app.core.web.faults import document_faults

Patch: TypeAlias = dict[str, Any]
M = TypeVar("M", bound=BaseModel)


def patched(model: type[M], merged: Any, place: str = "", *, before: Any = None) -> M:
    """The merged document as the input model; 422 with pointers below ``place`` when the patch made it invalid.

    ``before``: the stored document; the e-mail addresses, names, tags and other words that it has are not judged again.
    """
    try:
        return model.model_validate(merged, context=kept(before))
    except ValidationError as error:
        faults = document_faults(error.errors(), merged)
        raise Invalid(errors=[fault | {"pointer": place + fault["pointer"]} for fault in faults]) from error


def actor_in(patch: Patch) -> ActorRef | None:
    """The person for whom an account's key makes this change; 422 for what names nobody."""
    named = patch.get("actor")
    return None if named is None else patched(ActorRef, named, "/actor")


async def _read(request: Request) -> Patch:
    require_json(request.headers.get("content-type"))
    patch = read_json(await request.body())
    if not isinstance(patch, dict):
        raise Invalid(errors=[Fault(pointer="", detail=_("A merge patch is a JSON object"))])
    return patch


PatchDep = Annotated[Patch, Depends(_read)]
"""The request's body as a merge patch; what it makes of the resource is validated as a whole."""


def patch_body(model: type[BaseModel], example: Patch) -> dict[str, Any]:
    """``openapi_extra`` of a PATCH: the input model with nothing required, and null where null means clear."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    required = schema.pop("required", [])
    schema["properties"] = {
        name: rule if name in required or {"type": "null"} in rule.get("anyOf", ()) else _or_null(rule)
        for name, rule in _with_parts(schema["properties"]).items()
    }
    schema["title"] = f"{model.__name__.removeprefix('Change').removesuffix('Patch').removesuffix('Fields')}Patch"
    content = {"application/merge-patch+json": {"schema": schema, "example": example}}
    content["application/json"] = content["application/merge-patch+json"]
    return {"requestBody": {"required": True, "content": content}}


def _with_parts(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties, but that what is another model may come in part: it is merged, then checked as a whole."""

    def part(rule: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in rule:
            rest = {name: value for name, value in rule.items() if name != "$ref"}
            return {"type": "object"} | rest
        return rule | ({"anyOf": [part(each) for each in rule["anyOf"]]} if "anyOf" in rule else {})

    return {name: part(rule) for name, rule in properties.items()}


def _or_null(rule: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{name: value for name, value in rule.items() if name != "default"}, {"type": "null"}]}
