"""Previews that are computed in worker processes: which, with what answer, and what is refused when too many wait."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from app.core.db.engine import Sessions
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.core.workers.offload import Offload
from app.plans.store import builtin_plans
from app.previews import cost
from app.previews.schemas import PreviewRequest
from tests.contract.document import DOCUMENT as DECLARED
from tests.contract.document import resolved
from tests.previews.asking import DOCUMENT, PREVIEW, asked, message, status
from tests.support import tasks
from tests.support.actors import make_account, make_key
from tests.support.days import FRI, MON
from tests.support.stories import Caller
from tests.support.waiting import until

Json = dict[str, Any]
LATER: Final = {"until": "2027-11-01T00:00:00Z"}
BODIES: Final[dict[str, Json]] = {
    "a stored plan": asked("wati-business-plus", "P2", f"{MON}T10:00", message(f"{MON}T11:00")),
    "many cycles": asked("itil-native", "critical", f"{MON}T10:00", until="2026-12-20T00:00:00Z"),
    "holidays": asked("zmanda-standard", "P3", f"{FRI}T15:30", country="US"),
    "a document": asked(DOCUMENT, "P1", f"{MON}T10:00"),
    "five months": asked("itil-native", "critical", f"{MON}T10:00", until="2027-04-23T00:00:00Z"),
    "too many cycles": asked("itil-native", "critical", f"{MON}T10:00", **LATER),
    "an unknown priority": asked("itil-native", "P1", f"{MON}T10:00"),
    "a change that is refused": asked("itil-native", "critical", f"{MON}T10:00", status(f"{MON}T11:00", "mitigated")),
    "an unknown country": asked("zmanda-standard", "P3", f"{FRI}T15:30", country="ZZ"),
    "a faulty document": asked(DOCUMENT | {"hours": "never"}, "P1", f"{MON}T10:00"),
}

SOUND: Final = ("a stored plan", "many cycles", "five months", "holidays", "a document")


@pytest.fixture
async def support(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> Caller:
    del plans
    return Caller(client, await make_key(sessions, "agent"))


async def sent(caller: Caller, body: Json) -> httpx.Response:
    return await caller.send("POST", PREVIEW, body, accept_language="fr", x_request_id="req-1")


@pytest.mark.parametrize("name", BODIES)
async def test_the_answer_is_the_same_to_the_byte_wherever_it_is_computed(
    support: Caller, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "LIGHT", -1.0)
    there = await sent(support, BODIES[name])
    monkeypatch.setattr(cost, "LIGHT", float("inf"))
    monkeypatch.setattr(Offload, "run", staticmethod(_run_here))
    here = await sent(support, BODIES[name])
    assert (there.status_code, there.headers["content-type"]) == (here.status_code, here.headers["content-type"])
    assert there.content == here.content
    assert there.status_code == (200 if name in SOUND else 422)


async def _run_here(_owner: str, function: Any, *arguments: Any) -> Any:
    return function(*arguments)


def milliseconds(body: Json, *, compiled: bool = True) -> float:
    [plan] = [plan for plan in builtin_plans() if plan.key == body["plan"]]
    return cost.milliseconds(PreviewRequest.model_validate(body), plan, compiled=compiled)


@pytest.mark.parametrize("plan", builtin_plans(), ids=lambda plan: plan.key)
@pytest.mark.parametrize("compiled", [True, False])
def test_a_few_changes_under_a_shipped_plan_are_light(plan: Any, compiled: bool) -> None:  # noqa: FBT001
    body = asked(plan.key, plan.top, f"{MON}T10:00", message(f"{MON}T11:00"), message(f"{MON}T12:00", "customer"))
    assert milliseconds(body, compiled=compiled) <= cost.LIGHT


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(asked("itil-native", "high", f"{MON}T10:00", *[message(f"{MON}T11:00")] * 100), id="changes"),
        pytest.param(asked("itil-native", "high", f"{MON}T10:00", until="2026-12-20T00:00:00Z"), id="cycles"),
        pytest.param(asked("zmanda-standard", "P4", f"{MON}T10:00", until="2028-11-20T00:00:00Z"), id="windows"),
    ],
)
def test_what_grows_with_the_input_is_heavy(body: Json) -> None:
    assert milliseconds(body) > cost.LIGHT


async def test_a_light_preview_starts_no_process(support: Caller, app: FastAPI) -> None:
    metrics = Metrics()
    offload = Offload(Settings(), metrics)
    app.state.heliodesk = replace(app.state.heliodesk, offload=offload)
    assert (await sent(support, BODIES["a stored plan"])).status_code == 200
    assert metrics.registry.get_sample_value("heliodesk_offload_workers") == 0


@pytest.fixture
async def narrow(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[Offload]:
    """The service with one worker process and a queue of four, of which one owner may have one."""
    del client
    offload = Offload(Settings(offload_workers=1, offload_queue=4), Metrics())
    app.state.heliodesk = replace(app.state.heliodesk, offload=offload)
    yield offload
    await offload.close()


async def test_beyond_the_queue_is_503_and_beyond_an_accounts_share_429(
    narrow: Offload, support: Caller, sessions: Sessions, tmp_path: Path
) -> None:
    go, heavy = tmp_path / "go", BODIES["a document"]
    customers = [Caller(support.client, await _account_key(sessions)) for _ in range(2)]
    running: list[asyncio.Task[Any]] = [asyncio.create_task(narrow.run("first", tasks.work_until, go))]
    await until(lambda: go.with_suffix(".pid").exists())
    waiting = []
    for number, customer in enumerate(customers, start=1):
        waiting.append(asyncio.create_task(sent(customer, heavy)))
        await until(partial(_waits, narrow, number))
        _is_problem(await sent(customer, heavy), 429, "too-many-requests")
    running += [asyncio.create_task(narrow.run(owner, tasks.repeated, b"a", 1)) for owner in ("second", "third")]
    await until(partial(_waits, narrow, 4))
    _is_problem(await sent(support, heavy), 503, "unavailable")
    go.touch()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
    await asyncio.gather(*running)


def _waits(offload: Offload, number: int) -> bool:
    return offload.waiting == number


def _is_problem(answer: httpx.Response, status: int, slug: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"/problems/{slug}"
    assert answer.headers["retry-after"] == "1"


async def _account_key(sessions: Sessions) -> dict[str, str]:
    account = await make_account(sessions, "zmanda-standard")
    return await make_key(sessions, "account", account_id=account.account_id)


@pytest.mark.parametrize(("status_", "slug"), [("429", "too-many-requests"), ("503", "unavailable")])
def test_the_document_says_what_is_answered_when_too_many_wait(status_: str, slug: str) -> None:
    answer = resolved(DECLARED["paths"][PREVIEW]["post"]["responses"][status_])
    assert slug in answer["content"]["application/problem+json"]["examples"]
    assert "Retry-After" in answer["headers"]
