import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.cli.main import openapi
from app.core.auth import KINDS, ROLES
from app.core.keys.scopes import SCOPES
from app.core.web.health import problem_types
from app.events.types import EVENTS, EventData
from tests.contract.document import DOCUMENT, OPERATIONS, Operation, examples_of, faults, resolved

APP = Path(__file__).resolve().parents[2] / "app"
EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
EVERY_EVENT = pytest.mark.parametrize("event", EVENTS, ids=[event.type for event in EVENTS])


def test_the_committed_documents_are_what_the_code_says() -> None:
    openapi(check=True)


def test_it_is_a_valid_openapi_3_1_document() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_operation_has_a_name_of_its_own() -> None:
    specs = [spec for item in DOCUMENT["paths"].values() for spec in item.values()]
    hooks = [item["post"] for item in DOCUMENT["webhooks"].values()]
    names = [spec["operationId"] for spec in [*specs, *hooks]]
    assert len(set(names)) == len(names)


def test_it_tells_where_and_with_which_key() -> None:
    assert DOCUMENT["servers"]
    assert DOCUMENT["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert DOCUMENT["components"]["schemas"]["PlanDocument"]["externalDocs"]["url"] == "plan.schema.json"


def descriptions(part: Any) -> Iterator[str]:
    """All texts of the document, and of a part of it, that say what something is."""
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            yield part["description"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from descriptions(each)


def test_defaults_are_told_as_they_are_sent() -> None:
    """A text bare, anything else as JSON; whatever is between backticks behind the word."""
    told = {text for each in descriptions(DOCUMENT) for text in re.findall(r"Default: (`[^`]*`)", each)}
    assert {"`true`", "`5`", '`["*"]`', "`PT168H`"} <= told
    assert [text for text in told if re.search(r"``|\b(True|False|None)\b|'", text)] == []
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["NewKey"]["properties"]["label"]["description"] == "Default: empty"
    assert "`" not in schemas["PlanDocument"]["properties"]["customer_may"]["description"].replace("`escalation`", "")


@EVERY_OPERATION
def test_every_operation_is_described(operation: Operation) -> None:
    spec = operation.spec
    assert re.fullmatch(r"[A-Z].{3,60}[^.]", spec["summary"])
    assert spec["description"]
    assert set(spec["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation.name)


BY_METHOD: Final = {"PATCH": "update", "DELETE": "delete"}
WHOLE_LISTS: Final = {"list_statuses", "list_candidates", "list_ticket_solutions"}
"""They are short, and have no pages."""
OTHER_READS: Final = {
    *("stream_events", "explain_ticket_deadline"),
    *("search_everything", "search_articles", "search_public_articles"),
}
"""They answer more than what is stored of a resource."""
NOT_OF_ACTIONS: Final = {"get", "list", "update", "delete", "read", "change", "remove", "make"}


@EVERY_OPERATION
def test_operations_are_named_by_one_set_of_verbs(operation: Operation) -> None:
    """``get``, ``list``, ``create``, ``update`` or ``delete`` and the resource; an action by its verb and resource."""
    verb, _, resource = operation.name.partition("_")
    assert resource
    assert operation.spec["summary"].split()[0].lower() == verb
    if operation.method == "GET" and operation.name not in OTHER_READS:
        lists = "Link" in operation.responses[200]["headers"] or operation.name in WHOLE_LISTS | {"list_events"}
        assert verb == ("list" if lists else "get")
    elif operation.method in BY_METHOD:
        assert verb == BY_METHOD[operation.method]
    elif operation.method == "POST":
        assert verb not in NOT_OF_ACTIONS
        assert (verb == "create") <= (201 in operation.responses)


def test_schemas_are_named_by_nouns() -> None:
    """By what they are: not by how the service uses them, nor by what is done with them."""
    names = DOCUMENT["components"]["schemas"]
    events = {event.__name__ for event in EVENTS}
    parts = re.compile(
        r"_|(View|Document|Data|Create|Input|Output|Schema|Body|Model|Row)$"
        r"|^(Set|Post|Open|Change|Assign|Accept|Decline|Join|Lock|Merge|Withdraw|Rotate|Try|Apply|Advance|Escalate|Act|Make"
        r"|Update|Delete|Get|Put)(?=[A-Z]|$)"
    )
    assert [name for name in names if name not in events | {"PlanDocument"} and parts.search(name)] == []
    pages = {name for name, schema in names.items() if "next_cursor" in schema.get("properties", {})}
    assert [name for name in pages if not name.endswith("Page")] == []
    assert [name for name in pages if name != "FeedPage" and name.removesuffix("Page") not in names] == []


@EVERY_OPERATION
def test_every_operation_declares_its_problems(operation: Operation) -> None:
    types = {f"/problems/{slug}": kind.status for slug, kind in problem_types().items()}
    problems = {status: answer for status, answer in operation.responses.items() if status >= 400}
    for status, answer in problems.items():
        media = answer["content"]["application/problem+json"]
        assert media["schema"]["allOf"] == [{"$ref": "#/components/schemas/ProblemDetails"}]
        declared = media["schema"]["properties"]["type"]["enum"]
        assert {types[each] for each in declared} == {status}
        assert {example["type"] for example in examples_of(media)} == set(declared)
    needed = {401, 403, 422, 429, 503} if operation.spec.get("security") else set()
    if {} in operation.spec.get("security", ()):  # whose key may not read it is a stranger
        needed.remove(403)
    if operation.is_ingest and "enqueue" not in operation.path:
        needed.remove(429)
        assert 429 not in problems
    needed |= {400, 413, 415} if operation.request_media() else set()
    needed |= {404} if "{" in operation.path else set()
    needed |= {412} if "If-Match" in operation.headers else set()
    assert needed <= problems.keys()
    if "Idempotency-Key" in operation.headers:
        assert "request-in-flight" in problems[409]["content"]["application/problem+json"]["examples"]
        assert "idempotency-mismatch" in problems[422]["content"]["application/problem+json"]["examples"]


def test_every_scope_is_of_some_operation_and_is_offered_to_whoever_makes_a_key() -> None:
    scopes = {operation.spec.get("x-required-scope") for operation in OPERATIONS.values()} - {None}
    offered = DOCUMENT["components"]["schemas"]["NewKey"]["properties"]["scopes"]["anyOf"][0]["items"]["enum"]
    assert (scopes, offered) == (set(SCOPES), list(SCOPES))


def test_the_page_about_keys_tells_of_every_kind_and_role() -> None:
    page = (APP.parent / "docs" / "keys.md").read_text(encoding="utf-8")
    kinds, roles = page.partition("## Kinds")[2].partition("## Roles")[::2]
    assert all(f"\n| `{kind}`" in kinds for kind in KINDS)
    assert all(f" {role} " in roles for role in ROLES)


@EVERY_OPERATION
def test_every_creation_takes_an_idempotency_key(operation: Operation) -> None:
    assert 201 not in operation.responses or "Idempotency-Key" in operation.headers


def test_every_webhook_is_an_event_and_every_event_a_webhook() -> None:
    assert list(DOCUMENT["webhooks"]) == [event.type for event in EVENTS]


@EVERY_EVENT
def test_every_event_is_told_with_its_data_and_the_headers_of_standard_webhooks(event: type[EventData]) -> None:
    spec = DOCUMENT["webhooks"][event.type]["post"]
    assert [resolved(header)["name"] for header in spec["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "heliodesk-via",
    ]
    media = spec["requestBody"]["content"]["application/json"]
    assert faults(media["example"], media["schema"]) == []
    assert faults(media["example"] | {"type": "ticket.unknown"}, media["schema"])
    assert faults(media["example"] | {"data": {"other": 1}}, media["schema"])


def _subclasses(model: type[Any]) -> set[type[Any]]:
    return {model}.union(*(_subclasses(each) for each in model.__subclasses__()))


def test_all_events_are_published() -> None:
    assert {each for each in _subclasses(EventData) if "type" in vars(each)} == set(EVENTS)


@EVERY_EVENT
def test_only_what_the_service_sends_is_published(event: type[EventData]) -> None:
    users = [path for path in APP.rglob("*.py") if path.parent.name != "events" and event.__name__ in path.read_text()]
    assert users


async def test_the_service_answers_with_the_document(client: httpx.AsyncClient) -> None:
    first, second = [await client.get("/openapi.json") for _ in range(2)]
    assert first.headers["content-type"] == "application/json"
    assert first.json() == DOCUMENT
    assert second.content == first.content
