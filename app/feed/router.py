"""``/v1/events``: the feed, page by page, by requests that wait, and as a stream."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Request, Response, Security
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.reading import ReaderDep
from app.core.auth import Principal
from app.core.clock import database_now, monotonic
from app.core.db.engine import lookup
from app.core.problems import Fault, Gone, IdentityRefused, Invalid, NotFound, TooManyRequests
from app.core.schemas.shared import id_pattern
from app.core.state import State, StateDep, get_state
from app.core.text.messages import _
from app.core.web.cors import note_page
from app.core.web.edge.middleware import ONLY_HEAD
from app.core.web.http import VISITORS, responses
from app.core.web.kit.deps import ApiKey, require_account
from app.core.web.kit.idempotency import Answer
from app.core.web.kit.operations import CallDep, ResourceRouter
from app.core.web.kit.queries import Filled
from app.core.web.kit.visits import FOLLOWERS, require_page
from app.core.web.replies import reply_text
from app.feed.cursors import Start, cursor_of, read_start
from app.feed.reading import Page, Told, Wanted, begin, tell
from app.feed.schemas import STREAMED, FeedPage, StreamToken
from app.feed.streaming import EventStream, pages
from app.feed.tokens import make_token, use_token
from app.webhooks.rules.patterns import MAX_GLOBS, check_globs, types_of
from app.webhooks.schemas import AccountId, Glob

router = ResourceRouter("events", prefix="/v1/events", tags=["Events"])

_MAX_CURSOR: Final = 100
_KINDS: Final = (NotFound, Gone, TooManyRequests)
_BY_TOKEN: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "token",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "maxLength": 100},
            "description": "A stream token, instead of the `Authorization` header",
        }
    ]
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "`id` is the event's cursor, `event` its type, `data` its envelope in one line",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAMED}},
    }
}


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which events are asked for."""

    types: Annotated[
        Sequence[Glob] | None, Query(max_length=MAX_GLOBS, description="Globs over event types; repeat it")
    ] = None
    account_id: Annotated[
        AccountId | None, Query(description="For support's keys; an account's key lists its own account")
    ] = None
    ticket_id: Annotated[Annotated[str, StringConstraints(pattern=id_pattern("tkt"))] | None, Query()] = None
    sandbox: Annotated[bool | None, Query(description="`false`: no sandbox's events; `true`: only those")] = None

    def wanted(self, principal: Principal) -> Wanted:
        """The same, as far as the caller may see it; 404 for another's account, 422 for a glob that matches nothing."""
        account_id = self.account_id or principal.account_id
        if account_id:
            require_account(principal, account_id)
        if self.types:
            check_globs(self.types, "#/query/types")
        types = types_of(self.types) if self.types and "*" not in self.types else None
        own, visitor = self.ticket_id, principal.visitor
        marks = visitor.marks if visitor and principal.is_confined and not visitor.ticket_id else None
        if visitor and visitor.ticket_id:
            if own not in (None, visitor.ticket_id):
                raise NotFound
            own = visitor.ticket_id
        return Wanted(account_id, principal.audiences, types, own, self.sandbox, marks)


FilterDep = Annotated[FeedFilter, Depends(Filled(FeedFilter))]
AfterQuery = Annotated[
    str | None,
    Query(
        max_length=_MAX_CURSOR,
        description="A cursor: everything behind it. `latest`: from now on. Without it: from the oldest event kept",
    ),
]


class _KeyOrToken(ApiKey):
    """The caller by its key or, where a header cannot be sent, by a stream token."""

    async def identify(self, request: Request) -> Principal:
        token = request.query_params.get("token")
        if token is None:
            return await super().identify(request)
        state = await get_state(request)
        principal = await use_token(state.sessions, token)
        if principal.widget:
            note_page(request.scope, principal.widget.origins)
            require_page(request, state, principal.widget.origins)
        return principal


async def _end_of(state: State, principal: Principal) -> float:
    """Until which monotonic instant the caller's stream may stay open: a visitor's, as long as their token is valid."""
    until = principal.visitor.until if principal.visitor else None
    if until is None:
        return inf
    async with lookup(state.engine) as connection:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return monotonic() + max(0.0, (until - now).total_seconds())


def _start(text: str | None, place: str) -> Start:
    try:
        return read_start(text)
    except ValueError as error:
        raise Invalid(errors=[Fault(pointer=place, detail=_("This cursor does not belong to this feed"))]) from error


async def _begun(
    state: State, principal: Principal, asked: FeedFilter, start: Start, **how: Any
) -> tuple[int, AsyncGenerator[Page, None]]:
    """Where the reading begins, and the pages from there on."""
    wanted = asked.wanted(principal)
    await state.feed.decided()
    after = await begin(state, start)
    return after, pages(state, wanted, after, **how)


@router.show("", FeedPage, problems=_KINDS, visitors=FOLLOWERS)
async def list_events(
    reader: ReaderDep,
    asked: FilterDep,
    after: AfterQuery = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Events on the page")] = 50,
    wait: Annotated[int, Query(ge=0, le=60, description="Seconds to wait for an event where there is none")] = 0,
) -> Response:
    """List events.

    Every event exactly once, in one order for all tickets: keep `next_cursor` and continue from it. An
    account's key gets its own account's public events; support gets all, internal ones too. 410 when the cursor's place
    is past the retention.
    """
    until, state = monotonic() + wait, reader.state
    told = await tell(reader, asked.wanted, _start(after, "#/query/after"), limit)
    if told.bodies or told.more or not wait or ONLY_HEAD in reader.request.scope:
        return _page(told)
    wanted = asked.wanted(reader.principal)
    async with aclosing(pages(state, wanted, told.after, until=until, limit=limit, silence=inf)) as come:
        with state.streams.opened(reader.principal) as stream:
            page = await stream.until_ended(anext(come), reader.request.scope, reader.request.receive)
    return _page(Told([row["body"] for row in page.rows], page.after, page.more) if page else told)


def _page(told: Told) -> Response:
    ends = f'"next_cursor":"{cursor_of(told.after)}","has_more":{"true" if told.more else "false"}'
    return reply_text(f'{{"items":[{",".join(told.bodies)}],{ends}}}')


@router.get(
    "/stream",
    scope="events:read",
    response_class=Response,
    responses=_STREAM | responses(IdentityRefused, *_KINDS),
    openapi_extra=_BY_TOKEN | {VISITORS: list(FOLLOWERS)},
)
async def stream_events(
    state: StateDep,
    principal: Annotated[Principal, Security(_KeyOrToken())],
    asked: FilterDep,
    after: AfterQuery = None,
    last_event_id: Annotated[str | None, Header(max_length=_MAX_CURSOR, description="Goes before `after`")] = None,
    seconds: Annotated[
        int | None,
        Query(
            ge=0, le=86400, description="Close the stream after so many seconds; 0: once it has sent what there is now"
        ),
    ] = None,
) -> Response:
    """Stream events.

    The events of `GET /v1/events` as server-sent events. A stream that broke off is continued with `Last-Event-ID`.
    At its beginning, and after 15 s of silence, an `id` without data shows that the stream is alive, and how far it has
    come; the comment `: cursor <id>` says the same to parsers that pass on no `id` alone. The stream ends when the key
    is revoked or has expired, and when the service stops.
    """
    start = _start(last_event_id or after, "#/header/last-event-id" if last_event_id else "#/query/after")
    until = min(inf if seconds is None else monotonic() + seconds, await _end_of(state, principal))
    begin, told = await _begun(state, principal, asked, start, until=until)
    return EventStream(begin, told, state.streams, state.streams.open(principal))


@router.create("/stream-token", StreamToken, scope="events:read", visitors=FOLLOWERS)
async def create_stream_token(call: CallDep) -> Response:
    """Create a stream token.

    For a browser's `EventSource`, which cannot send a key: `/v1/events/stream?token=...` opens one stream, within
    60 s, that sees what the caller sees: of a visitor, the tickets of this visitor. If the stream breaks off for
    longer, request another token and continue with `after`.
    """

    async def create(session: AsyncSession) -> Answer:
        token, expires_at = await make_token(session, call.principal, now=await database_now(session))
        return Answer({"token": token, "expires_at": expires_at}, withheld=("token",))

    return await call.once(create)
