"""The kit of which operations are made: a ``ResourceRouter`` declares each, and a ``Call`` runs it.

An operation is declared by what it does to its resource (``create``, ``list``, ``show``, ``update``, ``delete``,
``action``): its method, status, scope, headers and the problems that all of its kind have follow from that. Its
function takes a ``Call``, its parameters and its body, and runs one use case or one query.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeAlias, TypedDict, TypeVar, Unpack, cast

from fastapi import Depends, Query, Request, Response, Security
from fastapi.security.base import SecurityBase
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal, VisitorKind
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import run
from app.core.keys.scopes import Scope
from app.core.problems import (
    Fault,
    IdempotencyMismatch,
    IdentityRefused,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    RequestInFlight,
)
from app.core.schemas.merging import merge_patch
from app.core.schemas.shared import ActorRef, EmailRef, page_of
from app.core.state import State, get_state
from app.core.text.messages import _
from app.core.web.http import IF_MATCH, VISITORS, Decorator, Router, StrictRoute, check_if_match, responses
from app.core.web.kit.deps import ApiKey, PresumedKey, require_account, require_admin, require_support
from app.core.web.kit.idempotency import IDEMPOTENT, Answer, May, by_key_alone, once
from app.core.web.kit.merge_patch import Patch, patch_body, patched
from app.core.web.kit.paging import Page, Slice, listing
from app.core.web.replies import etag, reply

T = TypeVar("T")
W = TypeVar("W")
M = TypeVar("M", bound=BaseModel)
Document: TypeAlias = dict[str, Any]
"""What an operation answers: a resource. Its ``version``, where it has one, becomes its ``ETag``."""


R = TypeVar("R")
"""A row that has a ``version``."""


@dataclass(frozen=True, slots=True)
class Patching(Generic[R, M]):
    """How a resource is patched."""

    model: type[M]
    fields: Callable[[R], Any]
    """what the row says, in the form of the model"""
    change: Callable[..., Awaitable[object]]
    """called with the session, the row, the patched model, and ``now``"""
    document: Callable[[R], Document]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a caller with a key, and what runs a use case or a query for it."""

    request: Request
    state: State
    principal: Principal

    async def once(
        self, use_case: Callable[[AsyncSession], Awaitable[Document | Answer]], *, may: May = by_key_alone
    ) -> Response:
        """Answer a use case that runs in one transaction and, with an Idempotency-Key, at most once in 24 hours.

        ``may`` raises what the use case would raise for a caller who may not run it; it alone is asked for a replay.
        Where that is all that the key decides, and the route's dependencies have seen to it, nothing need be given.
        """

        async def work(session: AsyncSession) -> Answer:
            return self._answer(await use_case(session))

        return await once(self.request, self.state, self.principal, work, may=may)

    async def once_as(
        self,
        who: Callable[[AsyncSession], Awaitable[W]],
        use_case: Callable[[AsyncSession, W], Awaitable[Document | Answer]],
    ) -> Response:
        """``once``, for a use case that needs to know ``who`` acts, who is asked first, and for a replay too."""

        async def known(session: AsyncSession) -> Document | Answer:
            return await use_case(session, await who(session))

        return await self.once(known, may=who)

    async def write(self, use_case: Callable[[AsyncSession], Awaitable[Document]]) -> Response:
        """Answer a use case that can be repeated as it is: it runs in one transaction."""
        return self._reply(await run(self.state.sessions, use_case))

    async def patch(
        self, patch: Patch, patching: "Patching[R, Any]", load: Callable[[AsyncSession], Awaitable[R]]
    ) -> Response:
        """Answer a PATCH: ``load`` the row and hold it, patch its fields, change it, show it.

        412 unless the row's version is one that ``If-Match`` names; 422 where the patch makes it invalid.
        """

        async def change(session: AsyncSession) -> Document:
            row: Any = await load(session)
            fields = self.patched(patch, patching.model, patching.fields(row), row.version)
            await patching.change(session, row, fields, now=await database_now(session))
            return patching.document(row)

        return await self.write(change)

    def patched(self, patch: Patch, model: type[M], before: Any, version: int) -> M:
        """What a merge patch makes of the fields that a resource of this version has ``before``; problems as above."""
        self.require_match(version)
        return patched(model, merge_patch(before, patch), before=before)

    def require_match(self, version: int) -> None:
        """412 when the request names versions by ``If-Match`` and this one is not among them."""
        check_if_match(self.request, version)

    async def delete(self, use_case: Callable[[AsyncSession], Awaitable[object]]) -> Response:
        """Run a use case in one transaction, and answer 204."""
        await run(self.state.sessions, use_case)
        return Response(status_code=204)

    async def read(
        self,
        query: Callable[[AsyncSession], Awaitable[Document]],
        using: Callable[[Sessions], AbstractAsyncContextManager[AsyncSession]] | None = None,
    ) -> Response:
        """Answer a query; ``using`` says in which kind of transaction (``snapshot``), where one statement won't do."""
        async with using(self.state.sessions) if using else self.state.sessions() as session:
            return self._reply(await query(session))

    async def page(
        self,
        page: Page,
        query: Callable[[AsyncSession], Awaitable[Sequence[T] | Slice[T]]],
        *,
        place: Callable[[T], tuple[Any, ...]],
        document: Callable[[T], Any],
    ) -> Response:
        """Answer one page of a list: ``listing`` with the rows of a query."""
        return listing(self.request, page, await self.ask(query), place=place, document=document)

    async def page_with(
        self,
        page: Page,
        query: Callable[[AsyncSession], Awaitable[Sequence[T] | Slice[T]]],
        *,
        place: Callable[[T], tuple[Any, ...]],
        documents: Callable[[AsyncSession, Sequence[T]], Awaitable[Callable[[T], Any]]],
    ) -> Response:
        """``page``, where more has to be read to show the rows: ``documents`` does, and returns what shows one."""

        async def find(session: AsyncSession) -> tuple[Sequence[T] | Slice[T], Callable[[T], Any]]:
            found = await query(session)
            return found, await documents(session, found.rows if isinstance(found, Slice) else found)

        rows, document = await self.ask(find)
        return listing(self.request, page, rows, place=place, document=document)

    async def ask(self, query: Callable[[AsyncSession], Awaitable[W]]) -> W:
        """What a query finds, for an operation that does more than show it."""
        async with self.state.sessions() as session:
            return await query(session)

    def _answer(self, found: Document | Answer) -> Answer:
        if isinstance(found, Answer):
            return found
        return Answer(found, self._status, _etag(found))

    def _reply(self, document: Document) -> Response:
        return reply(document, self._status, _etag(document), request=self.request)

    @property
    def _status(self) -> int:
        """What the route declares."""
        return self.request.scope["route"].status_code or 200


def _etag(document: Document) -> dict[str, str]:
    return etag(document["version"]) if "version" in document else {}


class _Calling(SecurityBase):
    """Reads the key, and refuses callers whose key is of another kind than the operation is for."""

    model = ApiKey.model
    scheme_name = ApiKey.scheme_name
    _key = ApiKey()

    def __init__(self, require: Callable[[Principal], None] | None = None) -> None:
        self._require = require

    async def __call__(self, request: Request) -> Call:
        principal = await self._key(request)
        if self._require:
            self._require(principal)
        return Call(request, await get_state(request), principal)


class _PresumedCalling(_Calling):
    """Leaves it to the first statement of the work to check the key."""

    _key = PresumedKey()
    presumes = True


CallDep = Annotated[Call, Security(_Calling())]
"""A call with an admin's, an agent's or an account's key."""
OnceCall = Annotated[Call, Security(_PresumedCalling())]
"""The same for an operation that does nothing but ``once``, whose transaction checks the key: a round trip less."""
SupportCall = Annotated[Call, Security(_Calling(require_support))]
"""A call with an admin's or an agent's key; 403 with others."""
AdminCall = Annotated[Call, Security(_Calling(require_admin))]
"""A call with an admin's key; 403 with others."""


async def _actor(
    actor: Annotated[EmailRef | None, Query(description="The person for whom the account's key acts")] = None,
) -> ActorRef | None:
    return ActorRef(email=actor) if actor else None


ActorDep = Annotated[ActorRef | None, Depends(_actor)]
"""Who acts, of an account's people: for operations without a body that could name them."""


async def _own_account(call: CallDep, account_id: str) -> str:
    require_account(call.principal, account_id)
    return account_id


AccountPath = Annotated[str, Depends(_own_account)]
"""The ``account_id`` of the path: 404 unless it exists for the caller."""


async def _account_scope(call: CallDep, account_id: Annotated[str | None, Query(max_length=40)] = None) -> str | None:
    wanted = account_id or call.principal.account_id
    if wanted is not None:
        require_account(call.principal, wanted)
    return wanted


AccountScope = Annotated[str | None, Depends(_account_scope)]
"""Of which account a list is: the query's ``account_id``, else the key's; None: of all. 404 for another's."""


def account_of(principal: Principal, named: str | None) -> str:
    """For which account something is made: the one that the body names, else the key's.

    422 where neither says so, 404 for another's.
    """
    account_id = named or principal.account_id
    if account_id is None:
        fault = Fault(pointer="/account_id", detail=_("An admin's or agent's key names the account"))
        raise Invalid(errors=[fault])
    require_account(principal, account_id)
    return account_id


def shown(example: Any, status: int = 200, *headers: str) -> dict[int | str, dict[str, Any]]:
    """An example answer, for ``responses=`` of a route; ``headers`` that come with it beside the usual ones."""
    answer: dict[str, Any] = {"content": {"application/json": {"example": example}}}
    if headers:
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {status: answer}


class Options(TypedDict, total=False):
    """The options of any operation."""

    problems: Sequence[type[Problem]]
    """problems beside those of its kind, which are 401, 403, 422, 429 and 503, 404 where the path names something, 412
    with ``if_match``, and the 409 and 422 of ``repeatable``"""
    scope: Scope
    """where it is not the router's resource with ``:read`` or ``:write``"""
    status: int
    repeatable: bool
    """it takes an ``Idempotency-Key``"""
    visitors: Sequence[VisitorKind]
    """who may call it from a browser, by a widget's or a ticket's key; default: nobody"""
    if_match: bool
    """it honours ``If-Match``"""
    example: Any
    """of its answer, where the schema's own examples do not do"""
    headers: Sequence[str]
    """headers of its answer beside the usual ones"""
    responses: Mapping[int | str, dict[str, Any]]
    """answers of its own, as FastAPI takes them"""
    body: dict[str, Any]
    """``openapi_extra`` that describes a body which FastAPI does not read"""
    route_class: type[StrictRoute]
    """what reads such a body"""
    summary: str


class ResourceRouter(Router):
    """What the operations on one resource are declared on; the resource names their scopes.

    ``view`` is what an operation answers.
    """

    def __init__(self, resource: str, **options: Any) -> None:
        super().__init__(**options)
        self._resource = resource

    def create(self, path: str, view: Any, **options: Unpack[Options]) -> Decorator:
        """A POST that answers 201 with the new resource; it takes an ``Idempotency-Key``."""
        return self._operation("POST", path, {"status": 201, "repeatable": True, **options}, response_model=view)

    def list(self, path: str, view: Any, **options: Unpack[Options]) -> Decorator:
        """A GET that answers a page of resources; ``example``: one of them."""
        if "example" in options:
            options["example"] = {"items": [options["example"]], "next_cursor": None}
        return self._operation("GET", path, options, response_model=page_of(view))

    def show(self, path: str, view: Any, **options: Unpack[Options]) -> Decorator:
        """A GET that answers one resource."""
        return self._operation("GET", path, options, response_model=view)

    def update(
        self, path: str, view: Any, fields: type[BaseModel], change: Patch, **options: Unpack[Options]
    ) -> Decorator:
        """A PATCH of these ``fields``, of which ``change`` is an example; it honours ``If-Match``."""
        body = patch_body(fields, change)
        return self._operation("PATCH", path, {"if_match": True, **options}, response_model=view, openapi_extra=body)

    def delete(self, path: str, **options: Unpack[Options]) -> Decorator:  # type: ignore[override]
        """A DELETE that answers 204."""
        return self._operation("DELETE", path, {"status": 204, **options}, response_class=Response)

    def action(self, path: str, view: Any, **options: Unpack[Options]) -> Decorator:
        """A POST that does something with a resource, and answers it."""
        return self._operation("POST", path, options, response_model=view)

    def _operation(self, method: str, path: str, options: Options, **route: Any) -> Decorator:
        status, repeatable = options.get("status", 200), options.get("repeatable", False)
        parameters = [
            *(IDEMPOTENT["parameters"] if repeatable else ()),
            *(IF_MATCH["parameters"] if options.get("if_match") else ()),
        ]
        body = route.pop("openapi_extra", {}) | options.get("body", {})
        doing = "read" if method == "GET" else "write"
        return self.declare(
            method,
            path,
            scope=options.get("scope") or cast("Scope", f"{self._resource}:{doing}"),
            status_code=status,
            summary=options.get("summary"),
            responses=self._responses(path, status, options),
            openapi_extra=body
            | ({"parameters": parameters} if parameters else {})
            | ({VISITORS: list(options["visitors"])} if options.get("visitors") else {}),
            route_class_override=options.get("route_class"),
            **route,
        )

    def _responses(self, path: str, status: int, options: Options) -> dict[int | str, dict[str, Any]]:
        kinds = [
            *([IdentityRefused] if options.get("visitors") else []),
            *([NotFound] if "{" in self.prefix + path else ()),
            *options.get("problems", ()),
            *([PreconditionFailed] if options.get("if_match") else ()),
            *((RequestInFlight, IdempotencyMismatch) if options.get("repeatable") else ()),
        ]
        answer = shown(options["example"], status, *options.get("headers", ())) if "example" in options else {}
        return responses(*kinds) | answer | dict(options.get("responses", {}))
