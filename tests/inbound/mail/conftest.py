"""An account whose customers write e-mails, and the mail server by which the service answers them."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest

from app.core.settings import Settings
from app.mail.gathering import Gathering
from app.notices.outbox.mailings import mail_secret
from app.notices.sending.channels import Channel, configured
from app.notices.tokens import reply_address
from tests.inbound.conftest import Desk, MakeDesk
from tests.inbound.mail.letters import GATEWAY, letter
from tests.support.actors import Headers, make_key, make_person
from tests.support.desk import fetch
from tests.support.mailbox import Mailbox, send, smtp

DOMAIN = "in.helpers.example"
SENDER = "Support <support@helpers.example>"
_SHOWN = (
    "SELECT visibility, author ->> 'kind' AS kind, author ->> 'name' AS name, body FROM messages WHERE ticket_id = $1"
)


@dataclass
class Post:
    """E-mails in and out."""

    desk: Desk
    mailbox: Mailbox
    channels: tuple[Channel, ...]
    admin: Headers
    port: int
    """of the mail server that takes what it sends"""

    async def come(self, raw: bytes) -> dict[str, Any]:
        """Let an e-mail come; its receipt."""
        answer = await self.desk.send(raw, "/email", self.desk.key | {"Content-Type": "message/rfc822"})
        assert answer.status_code == 202, answer.text
        await self.desk.process()
        path = f"/v1/hooks/{self.desk.hook['id']}/receipts/{answer.json()['receipt_id']}"
        found: dict[str, Any] = (await self.desk.client.get(path, headers=self.admin)).json()
        return found

    async def at_support(self, **mail: Any) -> None:
        """From now on e-mails come to a hook of support's, which has those of all accounts."""
        rules = {"authserv_id": GATEWAY, "accounts": "all"} | mail
        fields = {"account_id": self.desk.account_id, "name": "All", "format": "email", "mail": rules}
        made = await self.desk.client.post("/v1/hooks", json=fields, headers=self.admin)
        assert made.status_code == 201, made.text
        self.desk.hook = made.json()

    async def opened(self, raw: bytes | None = None) -> str:
        """The id of the ticket that an e-mail opens."""
        receipt = await self.come(raw or letter())
        assert [one["action"] for one in receipt["tickets"]] == ["opened"], receipt
        return str(receipt["tickets"][0]["ticket_id"])

    async def went(self) -> list[EmailMessage]:
        """What the service has sent since it was last asked."""
        before = len(self.mailbox.messages)
        await fetch(self.desk.sessions, "UPDATE mailings SET due_at = now() RETURNING 1")
        await Gathering(self.desk.sessions).run_pass()
        await send(self.desk.sessions, self.channels, domain=DOMAIN)
        return self.mailbox.messages[before:]

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.desk.get(f"/v1/tickets/{ticket_id}")
        return found

    async def messages(self, ticket_id: str) -> list[dict[str, Any]]:
        rows = await fetch(self.desk.sessions, f"{_SHOWN} ORDER BY sequence", ticket_id)
        return [dict(row) for row in rows]

    async def engineer(self, email: str = "jan@support.example") -> tuple[str, Headers]:
        """An engineer: their id, and their key."""
        body = {"name": "Jan Kowalski", "email": email}
        made = await self.desk.client.post("/v1/engineers", json=body, headers=self.admin)
        assert made.status_code == 201, made.text
        engineer_id = str(made.json()["id"])
        return engineer_id, await make_key(self.desk.sessions, "agent", engineer_id=engineer_id)

    async def answer(self, ticket_id: str, key: Headers, body: str = "Which version?") -> None:
        """An engineer answers by the API."""
        path = f"/v1/tickets/{ticket_id}/messages"
        answer = await self.desk.client.post(path, json={"body": body}, headers=key)
        assert answer.status_code == 201, answer.text


async def token(post: Post, ticket_id: str) -> str:
    """The signed address of a ticket."""
    async with post.desk.sessions() as session:
        return reply_address(await mail_secret(session), ticket_id, DOMAIN)


async def person(post: Post, email: str = "ana@example.com", role: Any = "editor") -> None:
    """Somebody of the account."""
    await make_person(post.desk.sessions, post.desk.account_id, email, role)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    taken = Mailbox()
    with smtp(taken) as url:
        yield taken, url


@pytest.fixture
async def post(make_desk: MakeDesk, mailbox: tuple[Mailbox, str]) -> Post:
    desk = await make_desk("itil-native")
    desk.sessions.kw["info"]["mails"] = True
    await desk.make(name="Mail", format="email", mapping=[], mail={"authserv_id": GATEWAY})
    channels = configured(Settings(smtp_url=mailbox[1], mail_from=SENDER))
    return Post(desk, mailbox[0], channels, await make_key(desk.sessions, "admin"), int(mailbox[1].rpartition(":")[2]))
