"""``/v1/engineers/{id}/contact-methods`` and ``/notification-rules``."""

from typing import Any

import httpx
import pytest

from app.core.settings import Settings, Unconfigurable
from app.paging.ways import check_kinds
from tests.paging.conftest import GENIE_KEY, ROUTING_KEY, Services
from tests.support.experts import Expert, add_expert
from tests.support.stories import Begin, Story, pointers

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium")


@pytest.fixture
async def ida(story: Story) -> Expert:
    return await add_expert(story, "Ida", languages=["fr"])


def own(expert: Expert) -> str:
    return f"/v1/engineers/{expert.id}"


async def add(expert: Expert, status: int = 201, **fields: Any) -> Any:
    return await expert.caller.post(f"{own(expert)}/contact-methods", status, **{"name": "Mine"} | fields)


@pytest.mark.parametrize(
    ("kind", "target", "shown"),
    [
        ("email", "Ida@Example.com", "ida@example.com"),
        ("pagerduty", ROUTING_KEY, "***"),
        ("opsgenie", GENIE_KEY, "***"),
        ("apprise", "json://ida:pass-word@127.0.0.1/secret-path", "json://***"),
        ("apprise", "ntfy://127.0.0.1/a-secret-topic", "ntfy://***"),
    ],
)
async def test_a_secret_is_never_shown_again(ida: Expert, kind: str, target: str, shown: str) -> None:
    made = await add(ida, kind=kind, target=target)
    assert made["target"] == shown
    listed = await ida.caller.get(f"{own(ida)}/contact-methods")
    assert listed["items"] == [made]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"kind": "email", "target": "ann@example.com."}, "/target"),
        ({"kind": "pagerduty", "target": "too short"}, "/target"),
        ({"kind": "apprise", "target": "no address"}, "/target"),
        ({"kind": "apprise", "target": "slack://a/b/c"}, "/target"),
        ({"kind": "apprise", "target": "json://"}, "/target"),
        ({"kind": "smoke", "target": "a hill"}, "/kind"),
    ],
    ids=["address", "key", "apprise", "not allowed", "incomplete", "kind"],
)
async def test_a_target_of_no_use_is_refused(ida: Expert, fields: dict[str, Any], place: str) -> None:
    refused = await add(ida, 422, **fields)
    assert pointers(refused) == [place]
    assert "secret" not in str(refused)


async def test_engineers_write_their_own_and_admins_everyones(story: Story, ida: Expert) -> None:
    ole = await add_expert(story, "Ole")
    method = await add(ida, kind="email", target="ida@example.com")
    rule = {"method_id": method["id"], "urgency": "high"}
    for path in ("contact-methods", "notification-rules"):
        await ole.caller.get(f"{own(ida)}/{path}", 403)
        await story.customer.get(f"{own(ida)}/{path}", 403)
    await ole.caller.post(f"{own(ida)}/notification-rules", 403, **rule)
    refused = await ole.caller.post(f"{own(ole)}/notification-rules", 422, **rule)
    assert pointers(refused) == ["/method_id"]
    gone = await ole.caller.send("DELETE", f"{own(ole)}/contact-methods/{method['id']}")
    assert gone.status_code == 404


async def test_rules_are_kept_once_and_go_with_their_method(ida: Expert) -> None:
    method = await add(ida, kind="email", target="ida@example.com")
    rules = f"{own(ida)}/notification-rules"
    made = await ida.caller.post(rules, 201, method_id=method["id"], urgency="high", after="PT5M")
    assert made["after"] == "PT5M"
    again = await ida.caller.post(rules, 409, method_id=method["id"], urgency="high", after="PT5M")
    assert again["rule"] == made["id"]
    await ida.caller.post(rules, 422, method_id=method["id"], urgency="high", after="PT25H")
    other = await ida.caller.post(rules, 201, method_id=method["id"], urgency="low")
    assert (await ida.caller.get(rules))["items"] == [made, other]
    assert (await ida.caller.send("DELETE", f"{rules}/{made['id']}")).status_code == 204
    assert (await ida.caller.get(rules))["items"] == [other]
    assert (await ida.caller.send("DELETE", f"{own(ida)}/contact-methods/{method['id']}")).status_code == 204
    assert (await ida.caller.get(rules))["items"] == []


async def test_a_test_page_tells_what_became_of_it_and_few_are_sent(ida: Expert, services: Services) -> None:
    method = await add(ida, kind="apprise", target=f"json://{services.url}/")
    path = f"{own(ida)}/contact-methods/{method['id']}/test"
    assert await ida.caller.post(path) == {"state": "sent", "error": None}
    [message] = services.of("apprise")
    assert message["title"] == "Alerte de test"
    services.answer = 500
    failed = await ida.caller.post(path)
    assert failed["state"] == "failed"
    for _ in range(3):
        await ida.caller.post(path)
    answer = await ida.caller.send("POST", path)
    assert (answer.status_code, answer.json()["quota"]) == (429, "test_pages")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_secrets_reach_no_log(
    ida: Expert, services: Services, capsys: pytest.CaptureFixture[str], client: httpx.AsyncClient
) -> None:
    services.answer = 500
    for kind, target in (("apprise", f"json://{services.url}/"), ("pagerduty", ROUTING_KEY), ("opsgenie", GENIE_KEY)):
        method = await add(ida, kind=kind, target=target)
        await ida.caller.post(f"{own(ida)}/contact-methods/{method['id']}/test")
    printed = "".join(capsys.readouterr())
    assert ROUTING_KEY not in printed
    assert GENIE_KEY not in printed
    assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("kind", ["nothing-like-it", "mailto", "syslog"])
def test_kinds_that_cannot_be_vetted_are_refused_at_the_start(kind: str) -> None:
    with pytest.raises(Unconfigurable, match="HELIODESK_APPRISE_KINDS"):
        check_kinds(Settings(apprise_kinds=[kind]))
