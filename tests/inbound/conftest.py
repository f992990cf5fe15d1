from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest

from app.core.db.engine import Sessions
from app.core.state import State
from app.inbound.background.processing import Processor
from app.inbound.readings import Readings
from tests.contract.document import DOCUMENT
from tests.support.actors import Headers, make_account, make_key
from tests.support.desk import fetch
from tests.support.replaying import replayed
from tests.support.waiting import until

FIXTURES: Final = Path(__file__).parent / "fixtures"
_ADDRESS: Final = "/v1/ingest/{hook_id}"
PATHS: Final = [path.removeprefix(_ADDRESS) for path in DOCUMENT["paths"] if path.startswith(_ADDRESS)]
"""What follows in the addresses of a hook."""
PLAN: Final = "zmanda-premium"
MAPPING: Final = [
    {"match": {"severity": "critical"}, "impact": "large", "urgency": "medium"},
    {"match": {"severity": "warning"}, "priority": "P3"},
    {"match": {"env": ["staging", "test"]}, "environment": "non_production"},
]


def payload(name: str) -> Any:
    """What Alertmanager 0.25 has sent."""
    return orjson.loads((FIXTURES / f"alertmanager-0.25-{name}.json").read_bytes())


@dataclass
class Desk:
    """An account on a shipped plan, its owner, and a hook of its."""

    client: httpx.AsyncClient
    sessions: Sessions
    account_id: str
    owner: Headers
    processor: Processor
    hook: dict[str, Any] = field(default_factory=dict)

    async def make(self, **fields: Any) -> dict[str, Any]:
        """A new hook, which ``post`` posts to from now on."""
        given = {"name": "Monitoring", "mapping": MAPPING} | fields
        answer = await self.client.post("/v1/hooks", json=given, headers=self.owner)
        assert answer.status_code == 201, answer.text
        self.hook = answer.json()
        return self.hook

    async def change(self, status: int = 200, /, **fields: Any) -> Any:
        answer = await self.client.patch(f"/v1/hooks/{self.hook['id']}", json=fields, headers=self.owner)
        assert answer.status_code == status, answer.text
        return answer.json()

    @property
    def key(self) -> Headers:
        return {"Authorization": f"Bearer {self.hook['secret']}"}

    async def send(self, body: Any, path: str = "", headers: Headers | None = None) -> httpx.Response:
        """The answer to a payload."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        named = {"Content-Type": "application/json"} | (self.key if headers is None else headers)
        return await self.client.post(f"/v1/ingest/{self.hook['id']}{path}", content=content, headers=named)

    async def post(self, body: Any, path: str = "", headers: Headers | None = None) -> dict[str, Any]:
        """Send a payload and have it processed; its receipt."""
        answer = await self.send(body, path, headers)
        assert answer.status_code == 202, answer.text
        await self.process()
        (receipt, *_) = await self.receipts()
        return receipt

    async def process(self) -> None:
        run_pass, readings = self.processor.run_pass, self.processor.readings
        # A pass may begin a reading that is done before the pass ends: the second one finds its result.
        while await run_pass() or await run_pass() or readings.is_begun(self.hook["id"]):
            await until(lambda: not readings.is_begun(self.hook["id"]))

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.client.get(path, headers=self.owner)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def receipts(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get(f"/v1/hooks/{self.hook['id']}/receipts?limit=200"))["items"]
        return items

    async def tickets(self) -> list[dict[str, Any]]:
        """Oldest first."""
        items: list[dict[str, Any]] = (await self.get("/v1/tickets?limit=200"))["items"]
        return items[::-1]

    async def messages(self, ticket_id: str) -> list[tuple[str, str]]:
        """Who may see each message, and what it says."""
        query = "SELECT visibility, body FROM messages WHERE ticket_id = $1 ORDER BY sequence"
        return [(row["visibility"], row["body"]) for row in await fetch(self.sessions, query, ticket_id)]


MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def make_desk(
    sessions: Sessions, client: httpx.AsyncClient, state: State, plans: None
) -> AsyncIterator[MakeDesk]:
    """Makes a desk on a plan; at the end every ticket is replayed from its events (C18)."""
    del plans

    async def make(plan: str = PLAN, **account: Any) -> Desk:
        made = (await make_account(sessions, plan, **account)).account_id
        owner = await make_key(sessions, account_id=made, role="owner")
        readings = Readings(state.offload, lambda: None)
        return Desk(client, sessions, made, owner, Processor(sessions, state.limits.tickets, readings))

    yield make
    assert await replayed(sessions) == []


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    """A desk with a hook."""
    desk = await make_desk()
    await desk.make()
    return desk
