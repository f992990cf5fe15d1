from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from app.core import clock
from app.core.process.watch import Condition, Watched
from app.core.settings import Settings
from app.core.state import State
from app.core.web.health import clock_skew, problem_types
from app.core.zones import IN_FORCE

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_the_process_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok"}
    assert ready.json()["status"] == "degraded"  # no provider of calls, no mail, no store for files
    assert len(ready.json()["degraded"]) == 3
    assert ready.json()["time_zone_database"] == IN_FORCE.version


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ((0, 0, 0), None),
        ((5, 0, 9), None),  # the database took 4 s to answer
        ((-9, 0, -5), None),
        ((3600, 0, 3601), "This machine's clock is 3600 s ahead of the database's"),
        ((-3601, 0, -3600), "This machine's clock is 3600 s behind the database's"),
        ((5.001, 0, 5.002), "This machine's clock is 5 s ahead of the database's"),
    ],
)
def test_a_wrong_clock_is_told(seconds: tuple[float, float, float], told: str | None) -> None:
    assert clock_skew(*(NOON + timedelta(seconds=each) for each in seconds)) == told


async def test_a_pass_that_stopped_beating_is_not_ready(client: httpx.AsyncClient, state: State) -> None:
    state.heartbeats.expect("sweep", within=5, now=clock.monotonic())
    assert (await client.get("/readyz")).json()["checks"]["sweep"] == "ok"
    state.heartbeats.beat("sweep", clock.monotonic() - 6)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["sweep"]) == (503, "late")
    assert answer.headers["retry-after"]


async def test_metrics_count_requests_by_route(client: httpx.AsyncClient) -> None:
    await client.get("/problems/not-found")
    text = (await client.get("/metrics")).text
    assert 'heliodesk_http_request_seconds_count{method="GET",route="/problems/{slug}",status="200"} 1.0' in text


async def test_every_problem_type_has_a_page(client: httpx.AsyncClient) -> None:
    page = (await client.get("/problems/request-in-flight")).json()
    assert page["status"] == 409
    assert "Idempotency-Key" in page["description"]
    assert (await client.get("/problems/nothing")).status_code == 404
    assert "Retry-After" in (await client.get("/problems/unavailable")).json()["description"]
    meanings = [kind.meaning for kind in problem_types().values()]
    assert len(set(meanings)) == len(meanings)


async def test_the_page_of_a_problem_type_is_in_the_readers_language(client: httpx.AsyncClient) -> None:
    asked = {"Accept-Language": "de", "Accept": "text/html"}
    answer = await client.get("/problems/conflict", headers=asked)
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("de", "Accept, Accept-Language")
    assert '<html lang="de">' in answer.text
    assert "Der Zustand der Ressource lässt das nicht zu." in answer.text
    known = (await client.get("/problems/conflict", headers={"Accept-Language": "pl"})).json()
    assert known["description"] == "Stan zasobu na to nie pozwala."


async def test_an_embedded_database_that_is_started_again_is_told(client: httpx.AsyncClient, app: FastAPI) -> None:
    watched = Watched()
    app.state.heliodesk = replace(app.state.heliodesk, embedded=watched)
    assert (await client.get("/readyz")).json()["checks"]["embedded_postgresql"] == "ok"
    watched.become(Condition.STARTING)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["embedded_postgresql"]) == (
        503,
        "has ended and is started again",
    )
    assert (await client.get("/healthz")).status_code == 200
    watched.become(Condition.LOST)
    assert (await client.get("/healthz")).status_code == 503


async def test_with_a_key_for_metrics_strangers_are_told_yes_or_no(client: httpx.AsyncClient, app: FastAPI) -> None:
    key = "a-key-for-metrics"
    state: State = app.state.heliodesk
    settings = state.settings.model_copy(update={"metrics_key": SecretStr(key)})
    app.state.heliodesk = replace(state, settings=settings)
    for headers in ({}, {"Authorization": f"Bearer {key}x"}):
        assert (await client.get("/metrics", headers=headers)).status_code == 401
        assert (await client.get("/readyz", headers=headers)).json() == {"status": "ready"}
    shown = {"Authorization": f"Bearer {key}"}
    assert "heliodesk_http_request_seconds" in (await client.get("/metrics", headers=shown)).text
    assert (await client.get("/readyz", headers=shown)).json()["checks"]["database"] == "ok"
    state.heartbeats.expect("sweep", within=5, now=clock.monotonic() - 6)
    assert "checks" not in (await client.get("/readyz")).json()
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/readyz", headers=shown)).json()["checks"]["sweep"] == "late"


def test_a_key_for_metrics_is_hard_to_guess() -> None:
    with pytest.raises(ValidationError, match="at least 16 printable"):
        Settings(metrics_key=SecretStr("short"))
