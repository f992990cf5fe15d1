"""Two accounts of one host product, the people of one of them, and the page in which its widget is."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.state import State
from tests.support.actors import Headers, make_account, make_engineer, make_key, make_person, make_region
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.tickets import TICKET

Json = dict[str, Any]
PLAN = "wati-business-plus"
P1 = {"priority": "P1", "business_impact": "All shops", "priority_reason": "No sales"}
KEYS = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
TEXTS = {name: TICKET[name] for name in ("title", "description")}
"""A ticket without its requester."""


@dataclass
class Page:
    """A page of the host product with the widget in it."""

    client: httpx.AsyncClient
    account: str
    other: str
    key: Headers
    """of the account"""
    of_many: Headers
    """of the host product, for all of its accounts"""
    admin: Headers
    owner: Headers
    identities: dict[str, str] = field(default_factory=dict)

    def shows(self, stated: Json | None = None, **changes: Any) -> Headers:
        """What a request shows whose visitor is named by such a token."""
        return {"Heliodesk-Identity": token(stated or claims(wall_now(), **changes))}

    def person(self, email: str, sub: str | None = None, **changes: Any) -> Headers:
        """The headers of a visitor of the account with this address."""
        return self.guest | self.shows(email=email, sub=sub or email, **changes)

    @property
    def guest(self) -> Headers:
        """The headers of somebody of whom nothing is known."""
        return self.key | {"Origin": ORIGIN}

    async def call(self, method: str, path: str, headers: Headers, status: int = 200, **more: Any) -> Any:
        """The body of the answer, which has this status."""
        answer = await self.client.request(method, path, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def get(self, path: str, headers: Headers, status: int = 200, **more: Any) -> Any:
        """What is there."""
        return await self.call("GET", path, headers, status, **more)

    async def post(self, path: str, headers: Headers, status: int = 200, **body: Any) -> Any:
        """What is answered to a body."""
        return await self.call("POST", path, headers, status, json=body)

    async def open(self, headers: Headers, **fields: Any) -> Any:
        """A new ticket."""
        return await self.post("/v1/tickets", headers, 201, **TICKET | fields)


@pytest.fixture
def state(state: State) -> State:
    """Its streams are looked at all the time: what ends one is seen at once."""
    state.streams._check = 0.05
    return state


@pytest.fixture
async def page(client: httpx.AsyncClient, sessions: Sessions, admin: Headers, plans: None) -> Page:
    del plans
    account = (await make_account(sessions, PLAN, external_ref="cust-1")).account_id
    other = (await make_account(sessions, PLAN, external_ref="cust-2", name="Another")).account_id
    for role in ("owner", "editor", "viewer"):
        await make_person(sessions, account, f"{role}@example.com", role)
    widget = {"allowed_origins": [ORIGIN, "https://*.shop.example"], "jwt_keys": KEYS}
    return Page(
        client,
        account,
        other,
        key=await make_key(sessions, "widget", account_id=account, **widget),
        of_many=await make_key(sessions, "widget", **widget),
        admin=admin,
        owner=await make_key(sessions, account_id=account, role="owner"),
    )


@pytest.fixture
async def expert(sessions: Sessions) -> str:
    """An engineer who is on shift; their id."""
    await make_region(sessions)
    return (await make_engineer(sessions, region="emea")).id
