"""One customer on a shipped plan, its callers and support's: what a test of tickets begins with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.principals import Acting
from app.core.auth import Actor
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import run
from app.tickets.editing.edit import TicketEdit
from app.tickets.schemas import NewTicket
from app.tickets.usecases.open import open_ticket
from tests.support.actors import Headers, make_account, make_engineer, make_key
from tests.support.tickets import P1 as P1  # noqa: PLC0414  a story opens tickets: both are of its vocabulary
from tests.support.tickets import TICKET as TICKET  # noqa: PLC0414

ANA: Final = Acting(Actor("customer", "per_ana", "Ana Silva"), "owner")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key."""

    client: httpx.AsyncClient
    key: Headers

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """The answer, whatever it is; underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, json=body, headers=self.key | named)

    async def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        """The document at ``path``."""
        answer = await self.client.get(path, params=params, headers=self.key)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, status: int = 200, /, **body: Any) -> Any:
        """What a POST answers."""
        answer = await self.send("POST", path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def patch(self, path: str, status: int = 200, /, **body: Any) -> Any:
        """What a PATCH answers."""
        answer = await self.send("PATCH", path, body)
        assert answer.status_code == status, answer.text
        return answer.json()


@dataclass(frozen=True, slots=True)
class Story:
    """An account with an editor's key; an engineer with theirs; an internal product's."""

    sessions: Sessions
    account: AccountRow
    customer: Caller
    engineer: Caller
    engineer_id: str
    product: Caller

    async def open(self, **fields: Any) -> Any:
        """A ticket that the customer opens."""
        return await self.customer.post("/v1/tickets", 201, **TICKET | fields)

    async def open_at(self, now: datetime, **fields: Any) -> str:
        """The path of a ticket that was opened at ``now``."""
        command = NewTicket.model_validate(TICKET | fields)

        async def work(session: AsyncSession) -> TicketEdit:
            return await open_ticket(session, command, account_id=self.account.account_id, acting=ANA, now=now)

        return f"/v1/tickets/{(await run(self.sessions, work)).ticket.id}"

    async def events(self, path: str, *types: str, who: Caller | None = None) -> list[Any]:
        """The ticket's whole history as support (or ``who``) sees it, of these types."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await (who or self.engineer).get(f"{path}/timeline", limit=200, **cursor)
            found += [event for event in page["items"] if not types or event["type"] in types]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def advance(self, status: int = 200, /, who: Caller | None = None, **how: Any) -> Any:
        """What support (or ``who``) is answered for moving the sandbox's clock."""
        return await (who or self.product).post(f"/v1/sandbox/{self.account.account_id}/advance", status, **how)

    async def pass_time(self, length: str) -> list[Any]:
        """Let so much time (``PT4H``) pass in the story's sandbox; what happens meanwhile, as support sees it."""
        happened: list[Any] = (await self.advance(by=length))["events"]
        return happened

    async def now(self) -> datetime:
        """The database's clock."""
        async with self.sessions() as session:
            return await database_now(session)


async def begin(sessions: Sessions, client: httpx.AsyncClient, plan: str, **account: Any) -> Story:
    """A new story; ``account`` has further fields of the account."""
    customer = await make_account(sessions, plan, **account)
    engineer = await make_engineer(sessions)
    return Story(
        sessions,
        customer,
        Caller(client, await make_key(sessions, account_id=customer.account_id, role="editor")),
        Caller(client, await make_key(sessions, "agent", engineer_id=engineer.id)),
        engineer.id,
        Caller(client, await make_key(sessions, "agent")),
    )


Begin: TypeAlias = Callable[..., Awaitable[Story]]
"""The fixture ``begin``."""


def path_of(ticket: Any) -> str:
    """Where a ticket is."""
    return f"/v1/tickets/{ticket['id']}"


def due(ticket: Any, metric: str, cycle: int = 1) -> Any:
    """When a deadline of a ticket document is due."""
    return deadline(ticket, metric, cycle)["due_at"]


def deadline(ticket: Any, metric: str, cycle: int = 1) -> Any:
    """A deadline of a ticket document."""
    [found] = [d for d in ticket["deadlines"] if (d["metric"], d["cycle"]) == (metric, cycle)]
    return found


def pointers(problem: Any) -> list[str]:
    """The places that a problem document names."""
    return [fault["pointer"] for fault in problem["errors"]]
