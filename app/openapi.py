"""The OpenAPI document: what FastAPI reads off the routes, and what it cannot know."""

import asyncio
from functools import cache
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route

from app.core.keys.scopes import SCOPES
from app.core.schemas.shared import ProblemDetails
from app.core.web.cors import IDENTITY
from app.core.web.edge.answer_headers import PUBLIC
from app.core.web.http import KEY_SCHEME, PROBLEM_JSON, SCOPE, VISITORS
from app.core.web.replies import dump
from app.openapi_links import add_links
from app.openapi_schemas import describe_tuples, drop_unused, name_bodies, say_defaults
from app.plans.document.parsing.documents import json_schema
from app.webhooks.api import catalogue

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"
_IDENTITY_SCHEME: Final = "VisitorIdentity"
_IDENTITY: Final = {
    "type": "apiKey",
    "in": "header",
    "name": IDENTITY,
    "description": "Beside a key of the kind `widget`, who its visitor is: an identity token, which is a JWT that the "
    "host product has signed (`person`), or a ticket's key (`link`, `follower`). Without it, the visitor is a `guest`.",
}
URL: Final = "/openapi.json"
_PLAN_SCHEMA: Final = {"url": "plan.schema.json", "description": "The JSON Schema of plan documents, beside this file"}

_HEADERS: Final = {
    "X-Request-Id": (
        "The request's id: as it was sent, or made here; the log has it",
        "req_01k9z3v5q8e9rbn3wz4m6t7y2a",
    ),
    "ETag": ("The resource's version, for `If-Match`", '"3"'),
    "Link": ('The next page, where there is one: `rel="next"` (RFC 8288)', '</v1/tickets?cursor=WzFd>; rel="next"'),
    "Location": ("Where the new resource is", "/v1/tickets/tkt_01k9z3v5q8e9rbn3wz4m6t7y2b"),
    "Idempotency-Replayed": ("`true` where this is the stored answer to an earlier request", "true"),
    "RateLimit": (
        "The closest limit (draft-ietf-httpapi-ratelimit-headers): `r` requests are left, all are back in `t` seconds",
        '"rate_per_key";r=5990;t=1',
    ),
    "RateLimit-Policy": (
        "The limits of this key: `q` requests in `w` seconds",
        '"rate_per_key";q=6000;w=60, "rate_per_account";q=12000;w=60',
    ),
    "Retry-After": ("Seconds to wait before the next try (RFC 9110, 10.2.3)", "1"),
    "WWW-Authenticate": (
        "How to authenticate (RFC 9110, 11.6.1), or which scope the key lacks (RFC 6750, 3)",
        "Bearer",
    ),
}
_OF_PROBLEMS: Final = {
    "401": "WWW-Authenticate",
    "403": "WWW-Authenticate",
    "409": "Retry-After",
    "412": "ETag",
    "429": "Retry-After",
    "503": "Retry-After",
}
_RATES: Final = ("RateLimit", "RateLimit-Policy")


def openapi(app: FastAPI) -> Json:
    """The OpenAPI 3.1 document, made once."""
    document = app.openapi_schema = app.openapi_schema or _document(app)
    return document


def serve_openapi(app: FastAPI) -> None:
    """Answer with the document at its address.

    It is made when it is first asked for, in a thread, for that takes most of a second; and it is written once. So is
    the schema of plans: nobody needs a key to ask for either.
    """
    lock, text = asyncio.Lock(), b""
    schema_of_plans = cache(lambda: dump(json_schema()))

    async def answer(_: Request) -> Response:
        nonlocal text
        async with lock:
            text = text or await asyncio.to_thread(lambda: dump(openapi(app)))
        return Response(text, media_type="application/json", headers=PUBLIC)

    async def schema(_: Request) -> Response:
        return Response(schema_of_plans(), media_type="application/schema+json", headers=PUBLIC)

    app.router.routes.append(Route(URL, answer, include_in_schema=False))
    app.router.routes.append(Route("/plan.schema.json", schema, include_in_schema=False))


def _document(app: FastAPI) -> Json:
    document: Json = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.state.documented,
        tags=app.openapi_tags,
        servers=app.servers,
        license_info=app.license_info,
        contact=app.contact,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components = document["components"]
    components["schemas"] |= _problem_schemas() | catalogue.schemas()
    components["schemas"]["PlanDocument"]["externalDocs"] = _PLAN_SCHEMA
    components["parameters"] = catalogue.parameters()
    document["webhooks"] = catalogue.webhooks()
    components["headers"] = _header_components()
    components["securitySchemes"][_IDENTITY_SCHEME] = _IDENTITY
    components["responses"] = {}
    for path in document["paths"].values():
        for operation in path.values():
            _require_scope(operation)
            _show_examples(operation, components["schemas"])
            _name_headers(operation, components["schemas"])
            _share_problems(operation["responses"], components["responses"])
    for schema in components["schemas"].values():
        if "examples" in schema:
            schema["examples"] = [with_nulls(each, schema, components["schemas"]) for each in schema["examples"]]
    for finish in (name_bodies, describe_tuples, say_defaults, add_links, drop_unused):
        finish(document)
    return document


def scopes_table(document: Json) -> str:
    """Which operations need which scope, as a table in Markdown."""
    needed: dict[str, list[str]] = {scope: [] for scope in SCOPES}
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        if scope := operation.get(SCOPE):
            needed[scope].append(f"`{operation['operationId']}`")
    rows = [f"| `{scope}` | {', '.join(names)} |" for scope, names in needed.items()]
    return "\n".join(["| scope | operations that need it |", "| --- | --- |", *rows])


def _problem_schemas() -> Json:
    problem = ProblemDetails.model_json_schema(ref_template=_REF + "{model}")
    faults: Json = problem.pop("$defs")
    return faults | {"ProblemDetails": problem}


def _header_components() -> Json:
    return {
        name: {"description": description, "schema": {"type": "string"}, "example": example}
        for name, (description, example) in _HEADERS.items()
    }


def _require_scope(operation: Json) -> None:
    """Say which scope a key needs, and where no key is needed that it is so.

    The scope stands in words and in an extension: linters take the list of a security requirement for OAuth's alone.
    """
    operation.setdefault("security", [])
    if scope := operation.get(SCOPE):
        operation["description"] += f"\n\nScope: `{scope}`"
    if visitors := operation.get(VISITORS):
        operation["security"] = [*operation["security"], {KEY_SCHEME: [], _IDENTITY_SCHEME: []}]
        operation["description"] += f"\n\nVisitors: {', '.join(visitors)}"


def _name_headers(operation: Json, schemas: Json) -> None:
    """Say which headers each answer can have."""
    repeatable = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    for status, response in operation["responses"].items():
        names = ["X-Request-Id", *(_RATES if _is_counted(operation) else ())]
        if status.startswith("2"):
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            members = _resolved(schema, schemas).get("properties", {})
            names += ["ETag"] if "version" in members else []
            names += ["Link"] if "next_cursor" in members else []
            names += ["Idempotency-Replayed"] if repeatable else []
        elif status in _OF_PROBLEMS:
            names.append(_OF_PROBLEMS[status])
        references = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = references | response.get("headers", {})


def _is_counted(operation: Json) -> bool:
    """Whether its callers have a rate: what monitoring asks for has none, nor has what hooks take in."""
    return "429" in operation["responses"] and {"HookKey": []} not in operation.get("security", ())


def _share_problems(responses: Json, shared: Json) -> None:
    """Move the problems that operations have in common to the components, named by their status and types."""
    for status, response in responses.items():
        content = response.get("content", {})
        problem = content.get(PROBLEM_JSON)
        if problem and len(content) == 1:
            name = ".".join([status, *problem["examples"]])
            shared[name] = response
            responses[status] = {"$ref": f"#/components/responses/{name}"}


def _show_examples(operation: Json, schemas: Json) -> None:
    """Give every body of the operation an example, from what its schema says, where it has none."""
    for message in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media in message.get("content", {}).values():
            if "examples" not in media:
                example = media["example"] if "example" in media else example_of(media["schema"], schemas)
                media["example"] = with_nulls(example, media["schema"], schemas)


def _resolved(schema: Json, schemas: Json) -> Json:
    """What the schema says of a value that is not null, its references followed."""
    while "$ref" in schema or "anyOf" in schema:
        followed = schemas[schema["$ref"].removeprefix(_REF)] if "$ref" in schema else schema["anyOf"][0]
        schema = {name: rule for name, rule in schema.items() if name not in ("$ref", "anyOf")} | followed
    return schema


def example_of(schema: Json, schemas: Json) -> Any:
    """A value for ``schema``: its own example, or one that is put together from those of its members."""
    for given in ("examples", "const", "default"):
        if given in schema:
            return schema[given][0] if given == "examples" else schema[given]
    resolved = _resolved(schema, schemas)
    if resolved is not schema:
        return example_of(resolved, schemas)
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    members = {name: schema["properties"][name] for name in schema.get("required", ())}
    return {name: example_of(rule, schemas) for name, rule in members.items() if not _may_be_null(rule)}


def _may_be_null(schema: Json) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def with_nulls(value: Any, schema: Json, schemas: Json) -> Any:
    """FastAPI drops every null of the document: put back those of an example that its schema requires."""
    schema = _resolved(schema, schemas)
    if isinstance(value, list):
        return [with_nulls(item, schema.get("items", {}), schemas) for item in value]
    if not isinstance(value, dict):
        return value
    rules = schema.get("properties", {})
    missing = {name: None for name in schema.get("required", ()) if name not in value and _may_be_null(rules[name])}
    return {name: with_nulls(member, rules.get(name, {}), schemas) for name, member in value.items()} | missing
