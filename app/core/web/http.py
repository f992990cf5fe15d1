"""HTTP's own part: problem documents, If-Match, and a router that reads bodies strictly."""

from collections.abc import Callable, Mapping, Sequence
from inspect import cleandoc, isclass
from typing import Any, Final, Protocol, TypeVar

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import Scope as AsgiScope

from app.core.auth import VisitorKind
from app.core.db.errors import DATABASE_ERRORS, is_outage, outage_of
from app.core.keys.scopes import SCOPES, Scope
from app.core.problems import (
    BadRequest,
    Fault,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from app.core.text.language import SOURCE, Language
from app.core.text.messages import _
from app.core.web.body import read_json, require_json, require_plain
from app.core.web.callers import Handler, handle_checked, language_of, presume, principal_of
from app.core.web.cors import preflight
from app.core.web.faults import request_faults
from app.core.web.page import ICON, page_policy, problem_page, wants_page
from app.core.web.query_names import repeated_names, unknown_names
from app.core.web.query_readers import parameters_of, queries_of, readers_of
from app.core.web.replies import dump, etag
from app.core.web.requests import StrictRequest

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
SCOPE: Final = "x-required-scope"
"""Where an operation of the OpenAPI document names the scope that it needs."""
VISITORS: Final = "x-visitors"
"""Where it names the kinds of visitors who may call it; absent: none."""
KEY_SCHEME: Final = "ApiKey"
PROBLEM_JSON: Final = "application/problem+json"
_API: Final = "/v1/"
_PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/ProblemDetails"}
_TOKEN: Final = "token"  # noqa: S105  a parameter's name
"""The query parameter that stands for the key where a header cannot be sent."""
_log = structlog.get_logger("heliodesk.http")
_BY_STATUS: Final = {
    kind.status: kind
    for kind in (
        BadRequest,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        PayloadTooLarge,
        UnsupportedMediaType,
        Unavailable,
    )
}


def check_if_match(request: Request, version: int) -> None:
    """412 when the request names versions by ``If-Match`` and the resource's is not among them (RFC 9110, 13.1.1)."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return
    if f'"{version}"' not in [tag.strip() for tag in header.split(",")]:
        raise PreconditionFailed(_("The resource is in version {version}", version=version), headers=etag(version))


IF_MATCH: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "Only if the resource is still in this version (its `ETag`)",
            "example": '"3"',
        }
    ]
}
"""``openapi_extra`` of an operation that uses ``check_if_match``, which reads the header itself."""


def problem_document(problem: Problem, instance: str = "", language: Language = SOURCE) -> dict[str, Any]:
    """The problem's document in this language, with the id of the request that is being answered."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    return problem.document(instance, request_id, language)


def problem_response(problem: Problem, scope: AsgiScope) -> Response:
    """The problem as an answer to a request, in its sender's language: a page for a browser that is not at the API."""
    language = language_of(scope)
    document = problem_document(problem, scope["path"], language)
    headers = {"Content-Language": language, "Vary": "Accept-Language"} | problem.headers
    if scope["path"].startswith(_API):
        return Response(dump(document), problem.status, headers, PROBLEM_JSON)
    headers["Vary"] += ", Accept"
    if not wants_page(Headers(scope=scope).get("accept", "")):
        return Response(dump(document), problem.status, headers, PROBLEM_JSON)
    html = problem_page(document, language)
    return HTMLResponse(html, problem.status, headers | page_policy(html, img=[ICON]))


def responses(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The problems of an operation that needs a key, for ``responses=`` of its route.

    401, 403, 422, 429 and 503 are in it always; kinds of one status share an entry.
    """
    return public_responses(Unauthorized, Forbidden, *kinds, Invalid, TooManyRequests, Unavailable)


def public_responses(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The problems of an operation that needs no key: these kinds only."""
    return {status: _response([kind for kind in kinds if kind.status == status]) for status in _statuses(kinds)}


def _statuses(kinds: Sequence[type[Problem]]) -> list[int]:
    return list(dict.fromkeys(kind.status for kind in kinds))


def _response(kinds: Sequence[type[Problem]]) -> dict[str, Any]:
    """The declared answer of problems that share a status: which types it can have, and an example of each."""
    examples = {kind.slug: {"summary": kind.title, "value": kind().document()} for kind in kinds}
    types = [f"/problems/{slug}" for slug in examples]
    schema = {"allOf": [_PROBLEM_SCHEMA], "properties": {"type": {"enum": types}}}
    return {
        "description": "; ".join(dict.fromkeys(kind.title for kind in kinds)),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }


_BODY_RESPONSES: Final = public_responses(BadRequest, PayloadTooLarge, UnsupportedMediaType)


class StrictRoute(APIRoute):
    """A route whose JSON body is read by ``read_json``: its problems are ours, and it is faster.

    The first line of its function's docstring is the operation's summary, the rest its description. ``scope`` is what
    the caller's key needs; None where no API key is taken. A route that does not say so is not made: TypeError.

    A query parameter that the operation does not have is refused, and so is a second value where it takes one. Where no
    API key is taken, both are ignored: what posts to a hook, follows a link in a letter, or asks for the health may add
    parameters that its user cannot take away.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = dict(options.get("openapi_extra") or {})
        if SCOPE not in extra:
            raise TypeError(f"{path} does not declare which scope it needs")
        self.scope: Scope | None = extra.pop(SCOPE)
        self.visitors: tuple[VisitorKind, ...] = tuple(extra.get(VISITORS, ()))
        if self.scope not in (None, *SCOPES):
            raise TypeError(f"{path}: there is no scope {self.scope}")
        options["openapi_extra"] = extra | ({SCOPE: self.scope} if self.scope else {})
        summary, _, description = cleandoc(endpoint.__doc__ or "").partition("\n")
        options["summary"] = options.get("summary") or summary.removesuffix(".")
        options["description"] = options.get("description") or description.strip() or summary
        if set(options.get("methods") or ()) & {"POST", "PATCH", "PUT"}:
            options["responses"] = _BODY_RESPONSES | (options.get("responses") or {})
        super().__init__(path, endpoint, **options)
        if parameters := parameters_of(self.dependant):
            stated = self.openapi_extra or {}
            self.openapi_extra = stated | {"parameters": [*stated.get("parameters", ()), *parameters]}
        if self.body_field is not None:
            _let_be_left_out(self.body_field.field_info)
        if _takes_key(self.dependant) != (self.scope is not None):
            raise TypeError(f"{path} takes an API key exactly if it declares a scope")

    def read(self, body: bytes) -> Any:
        """What FastAPI takes for the value of the body."""
        return read_json(body)

    def get_route_handler(self) -> Handler:
        """The handler behind the look at the names of the query's parameters."""
        handle = self.body_handler()
        if self.scope is None:
            return handle
        known, readers = self.queries(), readers_of(self.dependant)

        async def handle_and_tell_all(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:  # the first reader's, who does not know of the others
                told = [*error.errors(), *(each for reader in readers for each in reader.errors(request))]
                different = {str(each["loc"]): each for each in told}
                raise RequestValidationError(list(different.values()), body=error.body) from error

        async def check_then_handle(request: Request) -> Response:
            if request.scope["query_string"]:
                await _refuse_unknown(request, known)
            return await handle_checked(handle_and_tell_all, request)

        return check_then_handle

    def queries(self) -> dict[str, bool]:
        """The names of the query's parameters, and whether each takes several values."""
        return queries_of(self.dependant, (self.openapi_extra or {}).get("parameters", ()))

    def body_handler(self) -> Handler:
        """FastAPI's own handler behind the strict reading, where the operation has a body."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        identify = presume if _presumes_key(self.dependant) else principal_of

        async def read_then_handle(plain: Request) -> Response:
            if self.scope is not None:
                await identify(plain)  # who has none is told so before the body is looked at
            body = await plain.body()
            if not body:
                return await handle(plain)
            require_plain(plain.headers.get("content-encoding"))
            require_json(plain.headers.get("content-type"))
            parsed = self.read(body)
            if parsed is None:  # FastAPI would take it for a body that was left out
                raise Invalid(errors=[Fault(pointer="", detail=_("The body is null where an object is expected"))])
            return await handle(StrictRequest(plain, parsed))

        return read_then_handle


def _let_be_left_out(body: FieldInfo) -> None:
    """Take a body that is left out for an empty object, where that would be taken."""
    model = body.annotation
    if not (body.is_required() and isclass(model) and issubclass(model, BaseModel)):
        return
    try:
        model.model_validate({})
    except ValidationError:
        return
    body.default_factory = model


def query_faults(request: Request, known: Mapping[str, bool]) -> list[Fault]:
    """A fault for each parameter that is not ``known``, and for a second value where only one is taken."""
    given = [name for name, _ in request.query_params.multi_items()]
    return unknown_names(given, known) + repeated_names(given, known)


async def _refuse_unknown(request: Request, known: Mapping[str, bool]) -> None:
    """422 for such faults. A caller who shows neither a key nor a token in its place is told so first."""
    faults = query_faults(request, known)
    if not faults:
        return
    given = request.query_params
    if _TOKEN not in known or _TOKEN not in given:
        await principal_of(request)
    raise Invalid(errors=faults)


class Decorator(Protocol):
    """What declares an operation: it gives the function back as it is."""

    def __call__(self, endpoint: Endpoint, /) -> Endpoint:
        """Declare the function."""
        ...


def _takes_key(dependant: Dependant) -> bool:
    known = getattr(dependant.call, "scheme_name", None) == KEY_SCHEME
    return known or any(_takes_key(each) for each in dependant.dependencies)


def _presumes_key(dependant: Dependant) -> bool:
    return hasattr(dependant.call, "presumes") or any(_presumes_key(each) for each in dependant.dependencies)


def _declaring(scope: Scope | None, options: dict[str, Any]) -> dict[str, Any]:
    return options | {"openapi_extra": (options.get("openapi_extra") or {}) | {SCOPE: scope}}


class Router(APIRouter):
    """What every feature's routes are registered on, each with the scope that its caller's key needs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=StrictRoute, generate_unique_id_function=lambda route: route.name, **options)

    def get(self, path: str, *, scope: Scope | None, **options: Any) -> Decorator:  # type: ignore[override]
        """A GET. It is FastAPI's, but that the scope has to be said; the same holds for those below."""
        return super().get(path, **_declaring(scope, options))

    def post(self, path: str, *, scope: Scope | None, **options: Any) -> Decorator:  # type: ignore[override]
        """A POST."""
        return super().post(path, **_declaring(scope, options))

    def declare(self, method: str, path: str, *, scope: Scope | None, **options: Any) -> Decorator:
        """An operation of any method."""

        def decorate(endpoint: Endpoint) -> Endpoint:
            self.add_api_route(path, endpoint, methods=[method], **_declaring(scope, options))
            return endpoint

        return decorate

    def options(self, path: str, *, scope: Scope | None, **options: Any) -> Decorator:  # type: ignore[override]
        """An OPTIONS."""
        return super().options(path, **_declaring(scope, options))


async def _on_problem(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    return problem_response(problem, request.scope)


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_response(Invalid(errors=request_faults(error.errors(), error.body)), request.scope)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == MethodNotAllowed.status and (answer := preflight(request)):
        return answer
    kind = _BY_STATUS.get(error.status_code, BadRequest if error.status_code < 500 else Problem)  # noqa: PLR2004
    headers = {"Allow": ", ".join(_methods_at(request))} if kind is MethodNotAllowed else error.headers
    return problem_response(kind(headers=headers), request.scope)


def _methods_at(request: Request) -> list[str]:
    """What the path takes: Starlette names the methods of its first route only (RFC 9110, 10.2.1 wants all)."""
    path = request.scope["path"]
    routes = [each for each in request.app.routes if isinstance(each, Route) and each.path_regex.match(path)]
    operations = [each for each in routes if each.include_in_schema]
    methods = {method for route in operations or routes for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def _on_database_error(request: Request, error: Exception) -> Response:
    if not is_outage(error):
        raise error
    return problem_response(_outage(error), request.scope)


def _outage(error: Exception) -> Problem:
    _log.warning("database unavailable", error=repr(error))
    return Unavailable(outage_of(error), headers={"Retry-After": "1"})


def problem_of(error: Exception) -> Problem:
    """The problem that stands for any error, where an answer has begun and no handler can see it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DATABASE_ERRORS) and is_outage(error):
        return _outage(error)
    _log.error("unhandled error", exc_info=error)
    return Problem()


def install(app: FastAPI) -> None:
    """Every error that leaves ``app`` is a problem document."""
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _on_database_error)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
