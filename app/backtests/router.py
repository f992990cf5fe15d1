"""A plan tried on the past, over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from fastapi import Body, Response
from pydantic import WrapValidator

from app.backtests import running
from app.backtests.plans import read_text
from app.backtests.running import Report
from app.backtests.schemas import MAX_LINES, NDJSON_EXAMPLE, REQUEST, Backtest, NewBacktest
from app.core.problems import TooManyRequests
from app.core.text.messages import _
from app.core.web.body import read_json
from app.core.web.callers import check_again, language_of
from app.core.web.kit.deps import require_account
from app.core.web.kit.merge_patch import patched
from app.core.web.kit.ndjson import NDJSON, lines, wants_lines
from app.core.web.kit.operations import Call, ResourceRouter, SupportCall
from app.core.web.kit.readers import while_read
from app.core.web.replies import reply
from app.core.workers.offload import owner_of
from app.plans.api.bodies import PlanRoute
from app.plans.document.parsing.heavy import PlanText

Line: TypeAlias = dict[str, Any]
"""One line of an answer: ``progress``, ``change`` or ``result``."""

if TYPE_CHECKING:
    BacktestBody: TypeAlias = NewBacktest | PlanText
else:

    def _unread(value: Any, validate: Any) -> Any:
        """FastAPI gives a body that is not JSON as bytes."""
        return PlanText(value, yaml=True) if isinstance(value, bytes) else validate(value)

    BacktestBody = Annotated[NewBacktest, WrapValidator(_unread)]
    """The request, or its text in YAML."""


class YamlRoute(PlanRoute):
    """A route that takes YAML beside JSON, and reads JSON alone."""

    def read(self, body: bytes) -> Any:
        """The JSON value."""
        return read_json(body)


router = ResourceRouter("backtests", tags=["Plans"])

_LINES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}, "example": NDJSON_EXAMPLE}}}
}
_BUSY: Final = _("Another backtest is running: one runs at a time")


@router.action(
    "/v1/plans/backtest",
    Backtest,
    summary="Backtest a plan",
    scope="backtests:read",
    problems=[TooManyRequests],
    responses=_LINES,
    route_class=YamlRoute,
)
async def backtest_plan(call: SupportCall, command: Annotated[BacktestBody, Body(examples=[REQUEST])]) -> Response:
    """What a plan would have made of recorded tickets, by the code of the live clock; nothing is stored.

    What people did is held fixed: messages, statuses, priorities, tiers. What the service did by itself happens anew:
    raises and tiers after a miss, automatic ends, applied versions. Only the metrics of the plan are counted; alerts
    and calls depend on who was on shift. With neither `plan` nor `change`, the answer is what was recorded.

    Of more than 50,000 tickets a sample is tried, the same one each time, and `margin` says how far off it may be.
    A ticket that the plan cannot be tried on is told in `left_out`, such as one with a priority that the plan does not
    know and `priorities` does not map.

    One backtest runs at a time in each process of the service: 429 for a second one. It ends when its reader goes.
    With `Accept: application/x-ndjson` the answer comes in lines: `{"progress": {"done", "total"}}` twice a second,
    `{"change": {...}}` for each promise that is missed on one side only, and last `{"result": {...}}`, which has all
    but these; or the problem that ended it. The request may be sent as `application/yaml`. Admin and agent keys only.
    """
    told = _told(call, await _read(call, command))
    first = await anext(told)
    if wants_lines(call.request):
        return lines(_continued(first, told), language_of(call.request.scope))
    changes: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    async with aclosing(told):
        async for line in told:
            if "change" in line and len(changes) < MAX_LINES:
                changes.append(line["change"])
            result = line.get("result", result)
    return reply(result | {"changes": changes})


async def _read(call: Call, command: NewBacktest | PlanText) -> NewBacktest:
    """The request, of which YAML is read in another process: it may be large."""
    if isinstance(command, NewBacktest):
        return command
    return patched(NewBacktest, await call.state.offload.run(owner_of(call.principal), read_text, command))


async def _continued(first: Line, rest: AsyncGenerator[Line, None]) -> AsyncIterator[Line]:
    async with aclosing(rest):
        yield first
        async for line in rest:
            yield line


async def _told(call: Call, command: NewBacktest) -> AsyncGenerator[Line, None]:
    """The lines of an answer. Whatever is wrong with the request is raised before the first one."""
    state, principal = call.state, call.principal
    account_id = command.account_id or principal.account_id
    if account_id is not None:
        require_account(principal, account_id)
    command = command.model_copy(update={"account_id": account_id})
    owner, language = owner_of(principal), language_of(call.request.scope)
    state.backtests.take(_BUSY)
    try:
        order = await running.prepare(state.sessions, state.offload, owner, command)
        yield {"progress": {"done": 0, "total": order.total}}
        report = Report()
        found = running.run(state.sessions, state.offload, owner, order, language)
        async with aclosing(while_read(call.request, found)) as read:
            async for batch in read:
                for line in batch.lines if batch else ():
                    yield {"change": line}
                if batch:
                    report.add(batch)
                yield {"progress": {"done": report.done, "total": max(order.total, report.done)}}
                await check_again(call.request)
        yield {"result": report.document(order)}
    finally:
        state.backtests.leave()
