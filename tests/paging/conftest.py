"""Services that page people, on loopback: they check what the vendors document, and keep what they take."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import jsonschema
import pytest
from aiohttp import web

from app.core.outgoing.via import HEADER
from app.core.settings import Settings
from app.paging.ways import Ways
from tests.support.ports import free_port

LOOPBACK: Final = ["127.0.0.0/8"]
ELSEWHERE: Final = "127.0.0.2"
ROUTING_KEY: Final = "R0123456789abcdefghij0123456789a"
GENIE_KEY: Final = "01234567-89ab-cdef-0123-456789abcdef"
# https://developer.pagerduty.com/docs/events-api-v2/trigger-events
_PAGERDUTY: Final = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "pattern": "^[A-Za-z0-9]{32}$"},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string"},
        "links": {
            "type": "array",
            "items": {"type": "object", "required": ["href"], "properties": {"href": {"type": "string"}}},
        },
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "maxLength": 1024},
                "source": {"type": "string"},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "format": "date-time"},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}
# https://docs.opsgenie.com/docs/alert-api
_OPSGENIE: Final = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1, "maxLength": 130},
        "alias": {"type": "string", "maxLength": 512},
        "description": {"type": "string", "maxLength": 15000},
        "priority": {"enum": ["P1", "P2", "P3", "P4", "P5"]},
        "source": {"type": "string", "maxLength": 100},
        "details": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


class Services:
    """What has come in, by the service; ``answer`` is the status that all of them give, if it is not 0."""

    def __init__(self) -> None:
        self.url = ""
        self.answer = 0
        self.taken: list[tuple[str, Any]] = []
        self.came_by: list[str | None] = []

    def of(self, name: str) -> list[Any]:
        """What one of them has taken."""
        return [body for service, body in self.taken if service == name]

    async def pagerduty(self, request: web.Request) -> web.Response:
        """Events API v2."""
        body = await request.json()
        self.taken.append(("pagerduty", body))
        self.came_by.append(request.headers.get(HEADER))
        try:
            jsonschema.validate(body, _PAGERDUTY)
        except jsonschema.ValidationError as error:
            return web.json_response({"status": "invalid event", "message": str(error), "errors": []}, status=400)
        answer = {"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]}
        return web.json_response(answer, status=self.answer or 202)

    async def create_alert(self, request: web.Request) -> web.Response:
        """Opsgenie's Create Alert."""
        body = await request.json()
        self.taken.append(("opsgenie", body))
        if request.headers.get("Authorization") != f"GenieKey {GENIE_KEY}":
            return web.json_response({"message": "Key format is not valid!"}, status=422)
        jsonschema.validate(body, _OPSGENIE)
        return web.json_response({"result": "Request will be processed"}, status=self.answer or 202)

    async def close_alert(self, request: web.Request) -> web.Response:
        """Opsgenie's Close Alert."""
        assert request.query == {"identifierType": "alias"}
        self.taken.append(("closed", request.match_info["alias"]))
        return web.json_response({"result": "Request will be processed"}, status=202)

    async def take(self, request: web.Request) -> web.Response:
        """Apprise's JSON notifications, and ntfy."""
        self.came_by.append(request.headers.get(HEADER))
        self.taken.append(("apprise", await request.json()))
        return web.json_response({"id": "1"}, status=self.answer or 200)

    async def elsewhere(self, _: web.Request) -> web.Response:
        """A redirect to the same server at another private address."""
        raise web.HTTPTemporaryRedirect(f"http://{self.url.replace('127.0.0.1', ELSEWHERE)}/")


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """A server that is all of them."""
    services, port, app = Services(), free_port("127.0.0.1", ELSEWHERE), web.Application()
    app.router.add_post("/v2/enqueue", services.pagerduty)
    app.router.add_post("/v2/alerts", services.create_alert)
    app.router.add_post("/v2/alerts/{alias}/close", services.close_alert)
    app.router.add_post("/", services.take)
    app.router.add_post("/elsewhere", services.elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    for host in ("127.0.0.1", ELSEWHERE):
        await web.TCPSite(runner, host, port).start()
    services.url = f"127.0.0.1:{port}"
    yield services
    await runner.cleanup()


@pytest.fixture
def settings(settings: Settings, services: Services) -> Settings:
    """Of an installation whose services are these."""
    vendors = {"pagerduty_url": f"http://{services.url}", "opsgenie_url": f"http://{services.url}"}
    more = {"apprise_kinds": ["json", "ntfy"], "allow_networks": LOOPBACK, "public_url": "https://desk.example"}
    return Settings(
        **settings.model_dump(exclude={"database_url"}) | vendors | more, database_url=settings.database_url
    )


@pytest.fixture
def ways(settings: Settings, http: httpx.AsyncClient) -> Ways:
    """What reaches them."""
    return Ways(settings, http)
