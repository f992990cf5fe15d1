"""The heaviest input that each operation takes, as far as it costs the service anything to look at it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import httpx
import orjson

Json: TypeAlias = dict[str, Any]
Asked: TypeAlias = tuple[str, str, str, Any]
"""A name, and a request: method, path, and a body in JSON, or as it is sent."""

OPENED: Final = datetime(2026, 11, 20, 14, tzinfo=UTC)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TURN: Final[tuple[Json, ...]] = (
    {"type": "message", "author": "engineer"},
    {"type": "status", "status": "waiting_on_customer"},
    {"type": "message", "author": "customer"},
)
_MOST_LISTS: Final = b"[" + b"[]," * 21_900 + b"[]]"
_LISTS: Final = b"[" + b"[]," * 349_000 + b"[]]"
_OBJECTS: Final = b"[" + b'{"a":1},' * 110_000 + b"{}]"
_EXPRESSIONS: Final = {
    "texts": "sum(a[].length(join(',', @.b)))",
    "sort": "sort_by(a,&b)[].c | [?@ == 'x'] | length(@)",
    "doubling": "|".join(["[@,@]"] * 40),
    "map": "map(&map(&[@,@],@),[a,a,a,a])",
    "comparisons": "a[?contains(b,'x') && starts_with(c,'x') || d == e]",
}


def reads() -> Iterator[Asked]:
    """What anybody may ask for."""
    for path in ("/healthz", "/openapi.json", "/docs", "/metrics"):
        yield f"GET {path}", "GET", path, None


def preview(plan: Any, priority: str, changes: int, days: int, **more: Any) -> Json:
    """A ticket that is open for so many days, with so many changes in them."""
    step = timedelta(days=days) / max(changes, 1)
    turns = ((OPENED + step * number, _TURN[(number - 1) % len(_TURN)]) for number in range(1, changes + 1))
    return {
        "plan": plan,
        "priority": priority,
        "time_zone": "America/New_York",
        "opened_at": OPENED.isoformat(),
        "changes": [{"at": at.isoformat(), **turn} for at, turn in turns],
        "until": (OPENED + timedelta(days=days)).isoformat(),
        **more,
    }


def previews() -> Iterator[Asked]:
    """Light ones first."""
    asked = {
        "0 changes": preview("itil-native", "critical", 0, 1),
        "3 changes, 1 day": preview("itil-native", "critical", 3, 1),
        "20 changes, 2 days": preview("itil-native", "critical", 20, 2),
        "1,000 changes, 30 days": preview("itil-native", "critical", 1000, 30),
        "2,000 cycles": preview("itil-native", "critical", 0, 160),
        "a country's holidays": preview("zmanda-standard", "P1", 0, 1, country="US"),
        "a document, 18 x 1,000 holidays": preview(plan_document(18, holidays=1000, windows=1), "P1", 3, 1),
        "a document, 20 calendars, 4 years": preview(plan_document(20, holidays=100), "P1", 1, 1460),
        "1,000 changes, all wrong": {"changes": [{"at": "x", "type": "message"}] * 1000},
    }
    return (("preview, " + name, "POST", "/v1/sla/preview", body) for name, body in asked.items())


def plan_document(calendars: int, *, holidays: int = 10, windows: int = 12, country: str | None = None) -> Json:
    """A plan with twenty priorities, each with targets on one of so many calendars."""
    names, keys, text = [f"c{n}" for n in range(calendars)], [f"P{n}" for n in range(20)], {"en": "x"}
    metrics = ("first_response", "next_response", "update", "resolution")
    dates = [(OPENED + timedelta(days=n)).date().isoformat() for n in range(holidays)]
    calendar = {"time_zone": "account", "weekly": _weekly(windows), "holidays": {"country": country, "dates": dates}}
    return {
        "key": "largest",
        "name": text,
        "programme": text,
        "calendars": dict.fromkeys(names, calendar),
        "hours": names[0],
        "priorities": [{"key": key, "label": text, "definition": text, "examples": {"en": ["x"]}} for key in keys],
        "default_priority": keys[-1],
        "targets": {
            key: {metric: {"duration": "PT1H", "calendar": names[place % calendars]} for metric in metrics}
            for place, key in enumerate(keys)
        },
        "channels": ["web"],
    }


def _weekly(windows: int) -> dict[str, list[list[str]]]:
    step = 24 * 60 // windows
    times = [(number * step, number * step + step - 1) for number in range(windows)]
    hours = [[f"{opens // 60:02}:{opens % 60:02}", f"{closes // 60:02}:{closes % 60:02}"] for opens, closes in times]
    return dict.fromkeys(_DAYS, hours)


def plans() -> Iterator[Asked]:
    """Plans to be stored, sound and faulty; then the largest to be read."""
    sound = plan_document(18, holidays=1000, windows=1)
    asked = {
        "18 x 1,000 holidays": sound,
        "20 calendars of a country": plan_document(20, country="US"),
        "500 faulty priorities": sound | {"priorities": [{"x": number} for number in range(500)]},
        "19,000 unknown keys": {f"k{number}": number for number in range(19_000)},
    }
    yield from (("POST plan, " + name, "POST", "/v1/plans", body) for name, body in asked.items())
    yield "GET plan", "GET", "/v1/plans/largest", None
    yield "GET priorities", "GET", "/v1/priorities?plan=largest", None


def accounts() -> Iterator[Asked]:
    """Accounts whose country's holidays are looked up."""
    for country in ("US", "IN", "DE"):
        body = {"name": "A", "plan": "zmanda-standard", "time_zone": "America/New_York", "country": country}
        yield f"POST account, country {country}", "POST", "/v1/accounts", body


def tickets(account_id: str) -> Iterator[Asked]:
    """Tickets in bodies of up to 1 MiB."""
    ticket = _ticket(account_id) | {"priority": "P1"}
    asked: dict[str, Any] = {
        "of the largest plan": ticket,
        "50,000 characters": ticket | {"description": "x" * 50_000},
        "1 MiB of lists": _LISTS,
        "1 MiB of custom fields": ticket | {"custom": {f"k{number}": [] for number in range(80_000)}},
        "as many lists as are read": _MOST_LISTS,
        "as many lists, and a NUL": _MOST_LISTS[:-3] + b'"\\u0000"]',
        "as many numbers": b"[" + b"1," * 49_900 + b"1]",
        "as many tags": ticket | {"tags": ["x"] * 49_900},
        "as many unknown members": {f"k{number}": 1 for number in range(49_900)},
        "as many custom fields": ticket | {"custom": {f"k{number}": [] for number in range(21_000)}},
        "1 MiB of text": ticket | {"description": "x" * 1_000_000},
    }
    return (("POST ticket, " + name, "POST", "/v1/tickets", body) for name, body in asked.items())


def _ticket(account_id: str) -> Json:
    requester = {"name": "R", "email": "r@example.com"}
    return {"account_id": account_id, "title": "T", "description": "D", "requester": requester, "channel": "web"}


async def histories(client: httpx.AsyncClient) -> list[Asked]:
    """What it takes to show a ticket with a long history and texts, and a hundred such, and to move their clock on."""
    standing = {"starts_at": "2026-11-20T14:00:00Z"}
    body = {"name": "S", "plan": "itil-native", "time_zone": "America/New_York", "sandbox": standing}
    account = (await _made(client, "/v1/accounts", body))["id"]
    reasons = {"business_impact": "x", "priority_reason": "x"}
    asked = _ticket(account) | {"priority": "critical", "description": "x" * 50_000, **reasons}
    ticket, *_ = [f"/v1/tickets/{(await _made(client, '/v1/tickets', asked))['id']}" for _ in range(100)]
    for number in range(200):
        priority = {"priority": ("high", "critical")[number % 2], "reason": "x", "business_impact": "x"}
        await _made(client, f"{ticket}/priority", priority)
        await _made(client, f"{ticket}/messages", {"body": "x" * 50_000, "author": {"kind": "customer"}})
    first = (await client.get(f"{ticket}/deadlines")).raise_for_status().json()["items"][0]["id"]
    reads = {
        "timeline": f"{ticket}/timeline?limit=200",
        "messages": f"{ticket}/messages?limit=200",
        "deadlines": f"{ticket}/deadlines?limit=200",
        "explanation of 200 spans": f"{ticket}/deadlines/{first}/explain",
        "events": f"/v1/events?account_id={account}&limit=200",
        "tickets": f"/v1/tickets?account_id={account}&limit=200",
        "ticket": ticket,
    }
    found: list[Asked] = [(f"GET {name}", "GET", path, None) for name, path in reads.items()]
    return [*found, ("advance by 20 days, 100 tickets", "POST", f"/v1/sandbox/{account}/advance", {"by": "PT480H"})]


async def _made(client: httpx.AsyncClient, path: str, body: Json) -> Any:
    return (await client.post(path, json=body)).raise_for_status().json()


async def hooks(client: httpx.AsyncClient, account_id: str) -> list[Asked]:
    """What automation sends in, and what is tried."""
    hook = await _made(client, "/v1/hooks", {"name": "H", "account_id": account_id})
    found: list[Asked] = []
    for name, junk in (("lists", _LISTS), ("objects", _OBJECTS), ("lists that are read", _LISTS[:445_000] + b"0]")):
        tried = b'{"payload":' + junk[:1_000_000].rsplit(b",", 1)[0] + b"]}"
        found += [
            (f"ingest{form}, {name}", "POST", f"/v1/ingest/{hook['id']}{form}?key={hook['secret']}", junk)
            for form in ("", "/cloudevents", "/v2/enqueue")
        ]
        found.append((f"try, {name}", "POST", f"/v1/hooks/{hook['id']}/try", tried))
    found += [_alerts(hook["id"], form) for form in ("generic", "alertmanager", "cloudevents")]
    return found + [await _projected(client, account_id, *each) for each in _EXPRESSIONS.items()]


def _alerts(hook_id: str, form: str) -> Asked:
    labels = {f"l{number}": "x" * 8 for number in range(30)}
    event = {"source": "s", "type": "t", "specversion": "1.0"}
    alerts = [
        {"status": "firing", "labels": labels, "fingerprint": f"f{number}", "id": str(number), **event}
        for number in range(1000)
    ]
    payload = {"alerts": alerts} if form == "alertmanager" else alerts
    headers = {"content-type": "application/cloudevents-batch+json"} if form == "cloudevents" else {}
    body = {"payload": payload, "format": form, "headers": headers}
    return f"try {form}, 1,000 alerts", "POST", f"/v1/hooks/{hook_id}/try", body


async def _projected(client: httpx.AsyncClient, account_id: str, name: str, each: str) -> Asked:
    part = "a[?contains(@, 'b')] | length(@)"
    expressions = {"each": each, **dict.fromkeys(("key", "title", "text", "labels", "group", "link"), part)}
    body = {"name": name, "account_id": account_id, "expressions": expressions}
    hook_id = (await _made(client, "/v1/hooks", body))["id"]
    payload = {"a": [{"b": ["x"] * 10, "c": "yyyyyy"} for _ in range(14_000)]}
    return f"try, JMESPath: {name}", "POST", f"/v1/hooks/{hook_id}/try", {"payload": payload}


def sent(body: Any) -> bytes | None:
    """The body of a request."""
    return body if body is None or isinstance(body, bytes) else orjson.dumps(body)
