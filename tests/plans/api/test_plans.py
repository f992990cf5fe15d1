from typing import Any

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_key
from tests.support.documents import PLANS, SMALL, TEXTS, small

pytestmark = pytest.mark.usefixtures("shipped")

YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
async def customer(sessions: Sessions, shipped: None) -> Headers:  # noqa: ARG001 - the plan has to be there first
    account = await make_account(sessions, "wati-pro")
    return await make_key(sessions, account_id=account.account_id, role="viewer")


async def test_the_list_has_each_plan_once_in_its_current_version(
    client: httpx.AsyncClient, admin: Headers, customer: Headers
) -> None:
    await client.post("/v1/plans", json=PLANS["wati-pro"].canonical() | {"warn_at": [80]}, headers=admin)
    listed = (await client.get("/v1/plans", headers=customer)).json()
    assert [item["key"] for item in listed["items"]] == sorted(PLANS)
    assert {item["key"]: item["version"] for item in listed["items"]}["wati-pro"] == 2
    assert listed["items"][0]["name"]["pl"]
    assert listed["next_cursor"] is None


async def test_lists_are_paged(client: httpx.AsyncClient, admin: Headers) -> None:
    keys: list[str] = []
    address: str | None = "/v1/plans?limit=3"
    while address:
        page = await client.get(address, headers=admin)
        keys += [item["key"] for item in page.json()["items"]]
        address = page.links["next"]["url"] if "next" in page.links else None
    assert keys == sorted(PLANS)


async def test_a_plan_is_answered_whole(client: httpx.AsyncClient, customer: Headers) -> None:
    answer = await client.get("/v1/plans/zmanda-standard", headers=customer)
    assert answer.headers["ETag"] == '"1"'
    assert answer.json()["document"] == PLANS["zmanda-standard"].canonical()
    assert answer.json()["document"]["targets"]["P2"] == {"first_response": "PT3H"}
    assert (await client.get("/v1/plans/none", headers=customer)).status_code == 404
    assert (await client.get("/v1/plans/Not%20A%20Key", headers=customer)).status_code == 422


@pytest.mark.parametrize("form", ["json", "yaml"])
async def test_a_document_becomes_the_next_version(client: httpx.AsyncClient, admin: Headers, form: str) -> None:
    request: dict[str, Any] = {"json": small()} if form == "json" else {"content": SMALL}
    headers = admin | (YAML if form == "yaml" else {})
    first = await client.post("/v1/plans", **request, headers=headers)
    second = await client.post("/v1/plans", **request, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert [first.json()["version"], second.json()["version"]] == [1, 2]
    assert second.headers["ETag"] == '"2"'
    versions = (await client.get("/v1/plans/small/versions", headers=admin)).json()
    assert [item["version"] for item in versions["items"]] == [2, 1]
    one = await client.get("/v1/plans/small/versions/1", headers=admin)
    assert one.json() == first.json()


async def test_a_shipped_file_can_be_copied_and_changed(client: httpx.AsyncClient, admin: Headers) -> None:
    text = TEXTS["itil-native"].replace("key: itil-native", "key: our-desk")
    answer = await client.post("/v1/plans", content=text, headers=admin | YAML)
    assert answer.json()["document"] == PLANS["itil-native"].canonical() | {"key": "our-desk"}


async def test_a_repeated_post_makes_one_version(client: httpx.AsyncClient, admin: Headers) -> None:
    headers = admin | {"Idempotency-Key": "once"} | YAML
    first = await client.post("/v1/plans", content=SMALL, headers=headers)
    again = await client.post("/v1/plans", content=SMALL, headers=headers)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_only_admins_change_plans(client: httpx.AsyncClient, sessions: Sessions, customer: Headers) -> None:
    agent = await make_key(sessions, "agent")
    for headers in (agent, customer):
        assert (await client.post("/v1/plans", json=small(), headers=headers)).status_code == 403
    assert (await client.post("/v1/plans", json=small())).status_code == 401


async def test_all_faults_are_answered_with_their_places(client: httpx.AsyncClient, admin: Headers) -> None:
    bad = small(colour="red", hours="office", close_after="P7D")
    answer = await client.post("/v1/plans", json=bad, headers=admin)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sorted(fault["pointer"] for fault in answer.json()["errors"]) == ["/close_after", "/colour", "/hours"]


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/yaml", 400),
        (b"[1]", "application/json", 422),
        (b"a: *b", "application/yaml", 422),
        (b"", "application/yaml", 422),
        (b"", "application/json", 422),
        (SMALL.encode(), "text/plain", 415),
        (b"x" * 2_000_000, "application/yaml", 413),
    ],
)
async def test_what_is_no_plan_is_a_clear_refusal(
    client: httpx.AsyncClient, admin: Headers, content: bytes, media_type: str, status: int
) -> None:
    answer = await client.post("/v1/plans", content=content, headers=admin | {"Content-Type": media_type})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_versions_of_nothing_are_not_found(client: httpx.AsyncClient, admin: Headers) -> None:
    for address in ("/v1/plans/none/versions", "/v1/plans/none/versions/1", "/v1/plans/wati-pro/versions/2"):
        assert (await client.get(address, headers=admin)).status_code == 404
    for number in ("0", "x", "99999999999999999999"):
        assert (await client.get(f"/v1/plans/wati-pro/versions/{number}", headers=admin)).status_code == 422


async def test_n5_priorities_tell_targets_and_contact(client: httpx.AsyncClient, customer: Headers) -> None:
    told = (await client.get("/v1/priorities?plan=itil-native", headers=customer)).json()
    assert told["plan"] == {"key": "itil-native", "version": 1}
    assert [priority["key"] for priority in told["priorities"]] == ["critical", "high", "normal"]
    assert told["priorities"][0]["contact"] == ["phone"]
    assert told["priorities"][0]["targets"] == {
        "first_response": "PT30M",
        "update": "PT2H",
        "tier_escalation": "PT4H",
        "escalation_ack": {"duration": "PT30M", "calendar": "24x7"},
    }
    assert told["matrix"]["high"]["large"] == "critical"
    assert told["default_priority"] == "normal"


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [
        ("", "en", "en"),
        ("", "pl, en;q=0.5", "pl"),
        ("&lang=fr", "pl", "fr"),
        ("&lang=es-MX", "en", "es"),
        ("&lang=de", "pl", "de"),
        ("&lang=it", "pl", "en"),
        ("", "it", "en"),
    ],
)
async def test_g11_priorities_are_told_in_the_readers_language(
    client: httpx.AsyncClient, customer: Headers, query: str, accept: str, language: str
) -> None:
    headers = customer | {"Accept-Language": accept}
    told = (await client.get(f"/v1/priorities?plan=wati-pro{query}", headers=headers)).json()
    assert told["language"] == language
    first = PLANS["wati-pro"].priorities[0]
    assert told["priorities"][0]["definition"] == first.definition[language]
    assert told["priorities"][0]["examples"] == first.examples[language]


async def test_priorities_of_no_plan(client: httpx.AsyncClient, customer: Headers, admin: Headers) -> None:
    assert (await client.get("/v1/priorities?plan=none", headers=customer)).status_code == 404
    assert (await client.get("/v1/priorities", headers=admin)).status_code == 422
    assert (await client.get("/v1/priorities?plan=a%00", headers=customer)).status_code == 422


async def test_z1_every_cell_of_the_matrix_can_be_asked(client: httpx.AsyncClient, customer: Headers) -> None:
    matrix = PLANS["zmanda-premium"].matrix
    assert matrix
    for urgency, row in matrix.items():
        for impact, priority in row.items():
            body = {"plan": "zmanda-premium", "urgency": urgency, "impact": impact}
            told = (await client.post("/v1/priorities/assess", json=body, headers=customer)).json()
            assert (told["priority"], told["source"]) == (priority, "matrix")


@pytest.mark.parametrize(
    ("body", "language", "detail"),
    [
        (
            {"plan": "zmanda-standard", "urgency": "medium", "impact": "large"},
            "en",
            "The plan's matrix gives “P2: high” for medium urgency and large impact.",
        ),
        (
            {"plan": "zmanda-standard", "urgency": "medium", "impact": "medium"},
            "es",
            "La matriz del plan asigna «P3: media» con urgencia media e impacto medio.",
        ),
        (
            {"plan": "zmanda-standard", "urgency": "low"},
            "pl",
            "Macierz wymaga pilności i wpływu; bez nich obowiązuje priorytet domyślny: „P3: średni”.",
        ),
        (
            {"plan": "google-premium", "urgency": "low", "impact": "small"},
            "fr",
            "Le contrat n'a pas de matrice\u00a0: sa priorité par défaut, «\u00a0P3\u00a0: moyenne\u00a0», s'applique.",
        ),
        (
            {"plan": "google-premium", "urgency": "low", "impact": "small"},
            "de",
            "Der Plan hat keine Matrix, daher gilt seine Standardpriorität „P3: mittel“.",
        ),
    ],
)
async def test_an_assessment_says_why_in_the_readers_language(
    client: httpx.AsyncClient, customer: Headers, body: dict[str, str], language: str, detail: str
) -> None:
    answer = await client.post("/v1/priorities/assess", json=body, headers=customer | {"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.json()["detail"] == detail


async def test_an_assessment_of_nothing_is_refused(
    client: httpx.AsyncClient, customer: Headers, admin: Headers
) -> None:
    for body in ({"plan": "none"}, {"plan": "wati-pro", "impact": "huge"}, {"plan": "wati-pro", "colour": "red"}):
        assert (await client.post("/v1/priorities/assess", json=body, headers=customer)).status_code == 422
    assert (await client.post("/v1/priorities/assess", json={}, headers=admin)).status_code == 422
