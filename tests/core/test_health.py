import httpx

from app.core import clock
from app.core.state import State


async def test_the_process_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok"}
    assert ready.json()["status"] == "degraded"  # no provider of calls


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
