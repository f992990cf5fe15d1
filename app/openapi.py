"""The OpenAPI document: what FastAPI reads off the routes, and what it cannot know."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.core.schemas import ProblemDocument
from app.webhooks import catalogue

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"
_PLAN_SCHEMA: Final = {"url": "plan.schema.json", "description": "The JSON Schema of plan documents, beside this file"}


def openapi(app: FastAPI) -> Json:
    """The OpenAPI 3.1 document, made once."""
    document = app.openapi_schema = app.openapi_schema or _document(app)
    return document


def _document(app: FastAPI) -> Json:
    document: Json = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=app.servers,
        license_info=app.license_info,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components = document["components"]
    components["schemas"] |= _problem_schemas() | catalogue.schemas()
    components["schemas"]["PlanDocument"]["externalDocs"] = _PLAN_SCHEMA
    components["parameters"] = catalogue.parameters()
    document["webhooks"] = catalogue.webhooks()
    for path in document["paths"].values():
        for operation in path.values():
            _show_examples(operation, components["schemas"])
    return document


def _problem_schemas() -> Json:
    problem = ProblemDocument.model_json_schema(ref_template=_REF + "{model}")
    return problem.pop("$defs") | {"ProblemDocument": problem}


def _show_examples(operation: Json, schemas: Json) -> None:
    """Give every body of the operation an example, from what its schema says, where it has none."""
    for message in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media in message.get("content", {}).values():
            if not {"example", "examples"} & media.keys():
                media["example"] = example_of(media["schema"], schemas)


def example_of(schema: Json, schemas: Json) -> Any:
    """A value for ``schema``: its own example, or one that is put together from those of its parts."""
    if "$ref" in schema and "examples" not in schema:
        return example_of(schemas[schema["$ref"].removeprefix(_REF)], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    choices = schema.get("anyOf", ({"type": "null"},))
    return None if {"type": "null"} in choices else example_of(choices[0], schemas)
