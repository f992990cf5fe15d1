"""Any JSON: which member says what, what rules see, which words end an alert, and by which key it is known."""

from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from app.inbound.examples import CLOUDEVENT, PAGERDUTY
from app.inbound.formats.generic import Interpretation
from app.inbound.formats.reading import read
from app.inbound.formats.signal import Signal, digest_of
from app.inbound.formats.statuses import ACKNOWLEDGED, RESOLVED
from app.inbound.schemas import StatusWords
from tests.inbound.conftest import Desk
from tests.inbound.results import outcomes, statuses
from tests.support.desk import fetch

DISK: Final = {"host": "h1", "title": "Disk full"}


def signal(body: Any, **words: list[str]) -> Signal:
    manner = Interpretation(words=StatusWords(**words).given())
    (only,) = read("generic", orjson.dumps(body), {}, "rcp_1", manner).signals
    return only


@pytest.mark.parametrize("nothing", [None, "", "  ", [], {}], ids=str)
def test_a_member_that_says_nothing_hides_no_other(nothing: Any) -> None:
    body = {"key": nothing, "id": "i7", "title": nothing, "summary": "Disk full", "status": nothing, "state": "ok"}
    body |= {"description": nothing, "text": "97 %", "labels": nothing, "tags": {"env": "test"}, "link": nothing}
    body |= {"url": "https://m.example", "starts_at": nothing, "startsAt": "2026-11-25T10:00:00Z"}
    found = signal(body)
    assert (found.key, found.title, found.status, found.text) == ("i7", "Disk full", "resolved", "97 %")
    assert (found.labels["env"], found.starts_at) == ("test", "2026-11-25T10:00:00Z")
    assert [link.url for link in found.links] == ["https://m.example"]


@pytest.mark.parametrize("other", [{"name": "x"}, ["x"]], ids=["object", "list"])
def test_a_member_of_another_kind_hides_no_other(other: Any) -> None:
    body = {"key": other, "id": "i7", "title": other, "summary": "Disk full", "status": other, "state": "ok"}
    found = signal(body | {"labels": "none", "tags": {"env": "test"}})
    assert (found.key, found.title, found.status) == ("i7", "Disk full", "resolved")
    assert found.labels["env"] == "test"


async def test_members_of_null_open_and_resolve_one_ticket(desk: Desk) -> None:
    await desk.post({"key": None, "id": "i7", "title": None, "summary": "Disk full", "status": "firing"})
    receipt = await desk.post({"key": None, "id": "i7", "status": None, "state": "resolved"})
    assert outcomes(receipt) == ["resolved"]
    (ticket,) = await desk.tickets()
    assert (ticket["title"], ticket["status"]) == ("Disk full", "resolved")


async def test_rules_match_the_state_the_url_and_a_name_that_is_no_title(desk: Desk) -> None:
    rules = [
        {"match": {"state": "no_data", "url": "https://m.example/1", "name": "h1"}, "priority": "P2"},
        {"match": {"state": "alerting"}, "priority": "P1"},
    ]
    await desk.change(mapping=rules)
    body = {"key": "a", "title": "Disk", "name": "h1", "state": "no_data", "url": "https://m.example/1"}
    await desk.post(body)
    (ticket,) = await desk.tickets()
    assert ticket["priority"] == "P2"
    assert outcomes(await desk.post(body | {"url": "https://m.example/2"})) == ["repeated"]
    assert await desk.messages(ticket["id"]) == []


@pytest.mark.parametrize("word", [*RESOLVED, "Back_To-Normal", " PASSED ", "Succeeded", False], ids=str)
@pytest.mark.parametrize("name", ["status", "state"])
def test_these_words_resolve(word: Any, name: str) -> None:
    assert signal({"key": "a", name: word}).status == "resolved"


@pytest.mark.parametrize("word", ["failed", "error", "warning", "open", "", None, "not ok", "incomplete", True, 0, 1])
def test_other_words_fire(word: Any) -> None:
    assert signal({"key": "a", "status": word}).status == "firing"


async def test_a_hook_has_words_of_its_own(desk: Desk) -> None:
    words = {"resolved": ["Entwarnung"], "acknowledged": ["in Arbeit"], "firing": ["completed"]}
    changed = await desk.change(status_words=words)
    assert changed["status_words"] == words
    for status, outcome in (("completed", "started"), ("IN_ARBEIT", "acknowledged"), ("entwarnung", "resolved")):
        assert outcomes(await desk.post({"key": "a", "status": status})) == [outcome]
    assert statuses(await desk.tickets()) == ["resolved"]
    faulty: list[dict[str, list[str]]] = [
        {"resolved": ["a", "A"]},
        {"resolved": ["a"], "firing": ["a"]},
        {"firing": ["--"]},
        {"open": []},
    ]
    for refused in faulty:
        await desk.change(422, status_words=refused)


@pytest.mark.parametrize(
    ("body", "key", "named_by"),
    [
        ({"id": 7} | DISK, "7", "`id`"),
        ({"key": None, "fingerprint": "f"} | DISK, "f", "`fingerprint`"),
        (DISK, "h1/Disk full", "`host` and the title"),
        ({"source": "", "service": "shop", "summary": "Slow"}, "shop/Slow", "`service` and the title"),
        ({"title": "Disk full", "labels": {"instance": "h1"}}, "h1/Disk full", "`instance` and the title"),
        ({"title": "Disk full", "severity": "low"}, "Disk full", "the title"),
        ({"message": "It burns"}, digest_of(orjson.dumps({"message": "It burns"})), "content"),
    ],
    ids=str,
)
def test_an_alert_is_known_by_its_key_else_by_source_and_title(body: Any, key: str, named_by: str) -> None:
    assert (signal(body).key, signal(body).named_by) == (key, named_by)


async def test_an_alert_without_a_key_is_resolved_by_its_source_and_title(desk: Desk) -> None:
    await desk.post(DISK | {"status": "failed", "value": 97})
    await desk.post(DISK | {"host": "h2", "status": "failed"})
    assert outcomes(await desk.post(DISK | {"status": "passed", "value": 12})) == ["resolved"]
    assert statuses(await desk.tickets()) == ["resolved", "new"]


@pytest.mark.parametrize(
    ("tried", "key_from", "warns"),
    [
        ({"payload": {"id": "7"}}, "`id`", None),
        ({"payload": DISK}, "`host` and the title", None),
        ({"payload": {"message": "It burns"}}, "the bytes of the payload", "identified by its bytes"),
        ({"payload": CLOUDEVENT, "format": "cloudevents"}, "the event's source and id", "set the expression `key`"),
        ({"payload": PAGERDUTY, "format": "pagerduty"}, "`dedup_key`", None),
        (
            {"payload": PAGERDUTY | {"dedup_key": None}, "format": "pagerduty"},
            "the receipt's id",
            "`dedup_key` of your own",
        ),
        ({"payload": {"alerts": [{"status": "firing"}]}, "format": "grafana"}, "the labels", None),
    ],
    ids=["id", "title", "bytes", "event", "dedup_key", "receipt", "labels"],
)
async def test_trying_tells_where_the_key_came_from(desk: Desk, tried: Any, key_from: str, warns: str | None) -> None:
    answer = await desk.client.post(f"/v1/hooks/{desk.hook['id']}/try", json=tried, headers=desk.owner)
    (found,) = answer.json()["signals"]
    assert found["key_from"] == key_from
    assert (found["warning"] is None) if warns is None else (warns.lower() in found["warning"].lower())


async def test_trying_tells_that_an_expression_found_the_key(desk: Desk) -> None:
    await desk.change(expressions={"key": "alert.id"})
    tried = {"payload": {"alert": {"id": "a"}}}
    answer = await desk.client.post(f"/v1/hooks/{desk.hook['id']}/try", json=tried, headers=desk.owner)
    assert [(one["key"], one["key_from"]) for one in answer.json()["signals"]] == [("a", "the expression")]


async def test_what_an_earlier_version_knew_by_its_bytes_goes_on(desk: Desk) -> None:
    body = orjson.dumps(DISK | {"status": "failed"})
    await desk.post(body)
    former, incident = digest_of(body), f"alert:{digest_of(body)}"
    await fetch(desk.sessions, "UPDATE incident_alerts SET key = $1, incident_key = $2", former, incident)
    await fetch(desk.sessions, "UPDATE incidents SET key = $1", incident)
    assert outcomes(await desk.post(body)) == ["repeated"]
    assert outcomes(await desk.post(DISK | {"status": "ok"})) == ["resolved"]
    assert statuses(await desk.tickets()) == ["resolved"]


async def test_a_hook_that_an_earlier_version_stored_keeps_working(desk: Desk) -> None:
    made = await desk.get(f"/v1/hooks/{desk.hook['id']}")
    query = "UPDATE hooks SET fields = fields - 'status_words' #- '{expressions,ends_at}'"
    await fetch(desk.sessions, query)
    assert await desk.get(f"/v1/hooks/{desk.hook['id']}") == made
    assert outcomes(await desk.post(DISK)) == ["started"]
    assert (await desk.change(tags=["disk"]))["status_words"] == made["status_words"]


def test_the_words_are_published() -> None:
    """In the guide; the OpenAPI document has them from the code."""
    guide = Path("docs/inbound.md").read_text()
    assert [word for word in (*RESOLVED, *ACKNOWLEDGED) if f"`{word}`" not in " ".join(guide.split())] == []
