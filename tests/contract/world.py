"""A desk with an account, its people and one of everything, on which any operation of the document can be tried."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI

from app.core.auth import SERVICE, Role
from app.core.clock import database_now
from app.core.db.engine import Connections, Sessions, make_engine
from app.core.db.session import driver, make_sessions, transaction
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.signals import WakeUps
from app.core.web.replies import dump
from app.events.example_data import OTHER_TICKET
from app.inbound.background.processing import process_next
from app.inbound.background.resting import Resting
from app.inbound.readings import Readings
from app.main import create_app
from app.notices.bounces import Returned, mark
from app.plans.document import examples
from app.plans.store import load_builtin
from app.problems.usecases.handling import new_problem
from app.resources import build_state
from app.roster.override_schemas import COVER
from tests.contract.document import Json, Operation, examples_of
from tests.contract.kept import Kept, keep
from tests.support.actors import (
    Headers,
    make_account,
    make_engineer,
    make_key,
    make_person,
    make_region,
    make_ticket_key,
)
from tests.support.desk import now_of, open_at
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.sweeping import run_pass
from tests.support.tickets import TICKET

PLAN: Final = "wati-business-plus"
_URGENT: Final = {"business_impact": "All shops", "priority_reason": "No sales", "call_link": "https://meet.example/a"}
_P1: Final[Json] = TICKET | _URGENT | {"priority": "P1", "product": "backup", "environment": "non_production"}
_ARTICLE: Final = {"title": "An export fails", "body": "Try again.", "audience": "public", "status": "published"}
_ENDPOINT: Final = {"url": "https://example.com/heliodesk"}
_ESCALATION: Final = {"reason": "resolution_time", "justification": "It was promised by noon"}
_ALWAYS: Final = {"from": "1971-01-01T00:00:00Z", "to": "2150-01-01T00:00:00Z"}
_READING: Final = ("GET", "HEAD")
_ROLES: Final[tuple[Role, ...]] = ("owner", "editor", "viewer")
_OF_ROSTER: Final = """
DELETE FROM shift_overrides; DELETE FROM calendar_tokens; DELETE FROM contact_methods; DELETE FROM notification_rules
"""
_RESOLVED_BY: Final = timedelta(hours=9)
_VISIT: Final = timedelta(hours=23)
_ID: Final = re.compile(r"([a-z]{2,4})_[0-9a-z]{26}")
_PARAMETERS: Final = {
    "acc": "account_id",
    "per": "person_id",
    "key": "key_id",
    "eng": "engineer_id",
    "reg": "region_id",
    "tkt": "ticket_id",
    "ddl": "deadline_id",
    "esc": "escalation_id",
    "alr": "alert_id",
    "wh": "endpoint_id",
    "dlv": "delivery_id",
    "hook": "hook_id",
    "rcp": "receipt_id",
    "ovr": "override_id",
    "cat": "token_id",
    "cmt": "method_id",
    "nru": "rule_id",
    "mnt": "window_id",
    "art": "article_id",
    "prb": "problem_id",
    "cnt": "note_id",
    "fil": "file_id",
}


@dataclass
class World:
    """What there is: ``keys`` are request headers by who sends them, ``ids`` the values of path parameters."""

    client: httpx.AsyncClient
    sessions: Sessions
    app: FastAPI
    readings: Readings
    _folder: Path
    """where the bytes of files are"""
    keys: dict[str, Headers] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """addresses of the account's people, by role"""
    visitors: dict[str, Headers] = field(default_factory=dict)
    """request headers of visitors by their kinds; of an owner, of a ``viewer``, and of ``nobody`` of the account"""
    is_used: bool = False
    """whether anything was written since there were new things"""
    _kept: Kept | None = None

    async def limited(self, who: str, scopes: Sequence[str]) -> Headers:
        """A key as this one, but that it has these scopes alone; the same one each time."""
        name = " ".join((who, self.ids["account_id"], *scopes))
        if name not in self.keys:
            owner: Json = (
                {"kind": who} if who in ("admin", "agent") else {"account_id": self.ids["account_id"], "role": who}
            )
            self.keys[name] = await make_key(self.sessions, scopes=list(scopes), **owner)
        return self.keys[name]

    def example(self, operation: Operation) -> Any:
        """The body of the document's own example, on the things of this world; an empty one where there is none."""
        media = next(iter(operation.request_media().values()), None)
        return in_world(examples_of(media)[0], self.ids) if media else {}

    async def call(self, operation: Operation, headers: Headers, **more: Any) -> httpx.Response:
        """The operation on the things of this world, with its own example as the body."""
        if operation.name == "get_priorities":
            more = {"params": {"plan": PLAN}} | more
        if operation.name in ("search_articles", "search_public_articles"):
            more = {**more, "params": {"q": "export"} | more.get("params", {})}
        if operation.name == "search_everything":
            more = {**more, "params": {"q": "backup"} | more.get("params", {})}
        if operation.name == "stream_events":  # the transport of these tests waits for an answer's end
            more = {**more, "params": {"seconds": 0} | more.get("params", {})}
        for kind in list(operation.request_media())[:1]:
            more = {"content": dump(self.example(operation))} | more
            headers = {"Content-Type": kind} | (self.keys["own hook"] if operation.is_ingest else headers)
        own = {"token_id": self.ids["region_token_id"]} if "/regions/" in operation.path else {}
        if operation.name in ("accept_problem", "dismiss_problem"):
            own = {"problem_id": self.ids["suggestion_id"]}
        path = operation.path.format_map(self.ids | own)
        return await self.client.request(operation.method, path, headers=headers, **more)

    async def note(self, answer: httpx.Response) -> None:
        """Take note of what is written."""
        self.is_used |= answer.is_success and answer.request.method not in _READING

    async def freshen(self) -> None:
        """New things, unless all are as new: nothing was written since the last ones were made."""
        if self.is_used:
            await self.renew()

    async def renew(self) -> None:
        """What an operation has used up is there again: as it was, or new where that is long ago."""
        names = (self.keys, self.ids, self.people, self.visitors)
        if self._kept and self._kept.is_new:
            await self._kept.put_back(self.sessions, names)
        else:
            await self._make()
            self._kept = await keep(self.sessions, names, self._folder)
        self.is_used = False

    async def _make(self) -> None:
        """A new account with new things."""
        made = await make_account(self.sessions, PLAN, product_plans={"backup": "google-premium"})
        account = made.account_id
        await self._furnish(account)
        self.ids["version"] = await self._post("/v1/plans", examples.WRITTEN, "version")
        region = await make_region(self.sessions, key=new_id("key").replace("_", "-"))
        self.ids |= {"region_id": region.id, "region_key": region.key}
        self.ids["key_id"] = await self._post(
            "/v1/keys", {"kind": "widget", "account_id": account, "allowed_origins": [ORIGIN]}
        )
        self.ids["endpoint_id"] = await self._post("/v1/webhooks", _ENDPOINT | {"account_id": account})
        self.ids["delivery_id"] = await self._post(f"/v1/webhooks/{self.ids['endpoint_id']}/test", {})
        await self._renew_hook(account)
        self.ids["email"] = await self._bounced(account)
        now = await now_of(self.sessions)
        span = {"starts_at": now.isoformat(), "ends_at": (now + _RESOLVED_BY).isoformat()}
        self.ids["window_id"] = await self._post("/v1/maintenance-windows", span | {"account_id": account})
        self.ids["month"] = f"{now:%Y-%m}"
        self.ids["article_id"] = await self._post("/v1/articles", _ARTICLE)
        self.ids["escalation_id"] = await self._escalation(account)
        self.ids["other_engineer_id"] = (await make_engineer(self.sessions)).id
        await self._renew_roster()
        self.ids["file_id"] = await self._file()
        self.ids["ticket_id"] = await self._post(
            "/v1/tickets", _P1 | {"account_id": account, "attachments": [self.ids["file_id"]]}
        )
        self.ids |= {
            "deadline_id": await self._of_ticket("deadlines", 0, "id"),
            "number": await self._of_ticket("number"),
        }
        self.ids["alert_id"] = await self._alert()
        self.ids["other_ticket_id"] = await self._post("/v1/tickets", TICKET | {"account_id": account})
        await self._renew_problems()
        note = {"engineer_id": self.ids["engineer_id"], "body": "Well done"}
        self.ids["note_id"] = await self._post(f"/v1/tickets/{self.ids['ticket_id']}/coaching", note)
        self.ids["link_id"] = await self._post(f"/v1/tickets/{self.ids['ticket_id']}/links", {})
        await self._let_in(account)

    async def _let_in(self, account: str) -> None:
        """Visitors of each kind: of the host product's page, and with the keys of the ticket."""
        keys = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
        widget = await make_key(
            self.sessions, "widget", account_id=account, allowed_origins=[ORIGIN], jwt_keys=keys
        ) | {"Origin": ORIGIN}
        people = {"person": self.people["owner"], "viewer": self.people["viewer"], "nobody": "nobody@example.com"}
        until = int((await now_of(self.sessions) + _VISIT).timestamp())
        for who, email in people.items():
            stated = claims(await now_of(self.sessions), sub=email, email=email, exp=until)
            self.visitors[who] = widget | {"Heliodesk-Identity": token(stated)}
        self.visitors["guest"] = widget
        openers: dict[str, str | None] = {"link": self.people["owner"], "follower": None}
        for who, address in openers.items():
            secret = await make_ticket_key(self.sessions, account, self.ids["ticket_id"], address)
            self.visitors[who] = widget | {"Heliodesk-Identity": secret}
            if address:
                self.keys["ticket"] = {"Authorization": f"Bearer {secret}"}

    async def into_sandbox(self) -> None:
        """A new sandbox account in the place of the account, with keys and people but no things."""
        await self._furnish((await make_account(self.sessions, PLAN, sandbox=True)).account_id)
        self.is_used = True

    async def _furnish(self, account: str) -> None:
        """Its keys and its people, one of each role."""
        self.ids["account_id"] = account
        for role in _ROLES:
            self.keys[role] = await make_key(self.sessions, account_id=account, role=role)
            person = await make_person(self.sessions, account, f"{new_id('per')}@example.com", role)
            self.people[role] = person.email
            self.ids["person_id"] = person.id

    async def _renew_roster(self) -> None:
        """An override, tokens, a contact method and a rule, in the place of those that there were."""
        async with transaction(self.sessions) as session:
            await (await driver(session)).execute(_OF_ROSTER)
        engineer = f"/v1/engineers/{self.ids['engineer_id']}"
        span = {"from": "2140-01-01T00:00:00Z", "until": "2140-01-02T00:00:00Z"}
        cover = {"covered_by": self.ids["other_engineer_id"]} | span
        self.ids["override_id"] = await self._post(f"{engineer}/overrides", cover)
        self.ids["token_id"] = await self._post(f"{engineer}/calendar-tokens", {})
        method = {"kind": "email", "name": "Mail", "target": "noor@example.com"}
        self.ids["method_id"] = await self._post(f"{engineer}/contact-methods", method)
        rule = {"method_id": self.ids["method_id"], "urgency": "low"}
        self.ids["rule_id"] = await self._post(f"{engineer}/notification-rules", rule)
        region = f"/v1/regions/{self.ids['region_id']}"
        self.ids["region_token_id"] = await self._post(f"{region}/calendar-tokens", {})

    async def _renew_problems(self) -> None:
        """A problem with a ticket, and one that is suggested."""
        problem = {"title": "Backups fail", "tickets": [self.ids["ticket_id"]], "owner_id": self.ids["engineer_id"]}
        self.ids["problem_id"] = await self._post("/v1/problems", problem)
        async with transaction(self.sessions) as session:
            now = await database_now(session)
            suggested = new_problem(SERVICE, now=now, title="Exports fail", state="suggested", opened_at=None)
            session.add(suggested)
        self.ids["suggestion_id"] = suggested.id

    async def _post(self, path: str, body: Json, wanted: str = "id") -> str:
        answer = await self.client.post(path, json=body, headers=self.keys["admin"])
        assert answer.is_success, answer.text
        return str(answer.json()[wanted])

    async def _file(self) -> str:
        """A file of the account's, whose bytes are there."""
        about = {"name": "a.log", "type": "text/plain", "size": 3}
        made = (await self.client.post("/v1/files", json=about, headers=self.keys["owner"])).json()
        upload = made["upload"]
        assert (await self.client.put(upload["url"], content=b"abc", headers=upload["headers"])).is_success
        done = await self.client.post(f"/v1/files/{made['id']}/complete", headers=self.keys["owner"])
        assert done.json()["state"] == "ready", done.text
        return str(made["id"])

    async def _renew_hook(self, account: str) -> None:
        """A hook with a receipt that could not be processed."""
        headers = self.keys["admin"]
        made = (await self.client.post("/v1/hooks", json={"name": "CI", "account_id": account}, headers=headers)).json()
        self.ids["hook_id"] = made["id"]
        self.keys["own hook"] = {"Authorization": f"Bearer {made['secret']}"}
        for body in (b'{"key": "a", "status": "firing"}', b'{"key": "a", "status": "ok"}', b"{"):
            answer = await self.client.post(f"/v1/ingest/{made['id']}", content=body, headers=self.keys["own hook"])
            self.ids["receipt_id"] = answer.json()["receipt_id"]
            await process_next(self.sessions, self.readings, account, made["id"], Resting())

    async def _bounced(self, account: str) -> str:
        """An address from which a mail came back."""
        email = "gone@example.com"
        async with transaction(self.sessions) as session:
            await mark(session, Returned(account, None, email), new_id("ntc"), "5.1.1", "550 User unknown")
        return email

    async def _of_ticket(self, *path: str | int) -> str:
        value = (await self.client.get(f"/v1/tickets/{self.ids['ticket_id']}", headers=self.keys["admin"])).json()
        for part in path:
            value = value[part]
        return str(value)

    async def _alert(self) -> str:
        """The alert of the P1, whose expert is new: whoever was there before may be held."""
        path = f"/v1/alerts?ticket_id={self.ids['ticket_id']}"
        return str((await self.client.get(path, headers=self.keys["admin"])).json()["items"][0]["id"])

    async def _escalation(self, account: str) -> str:
        late = await now_of(self.sessions) - _RESOLVED_BY
        (ticket,) = await open_at(self.sessions, account, late, priority="P2")
        await run_pass(self.sessions)
        return await self._post(f"/v1/tickets/{ticket}/escalations", _ESCALATION)


def in_world(example: Any, ids: dict[str, str]) -> Any:
    """The example with the ids of the world."""
    if isinstance(example, dict):
        return {name: in_world(value, ids) for name, value in example.items()}
    if isinstance(example, list):
        return [in_world(value, ids) for value in example]
    if example in (OTHER_TICKET, COVER):
        return ids["other_ticket_id" if example == OTHER_TICKET else "other_engineer_id"]
    match = _ID.fullmatch(example) if isinstance(example, str) else None
    return ids[_PARAMETERS[match[1]]] if match else example


@asynccontextmanager
async def open_world(url: str, files: Path) -> AsyncIterator[World]:
    """A world on an empty database."""
    settings = Settings(
        database_url=url,
        files_folder=files,
        background=False,
        rate_per_key=0,
        rate_per_account=0,
        bytes_per_account=0,
        rate_per_address=0,
        rate_per_network=0,
        rate_per_visiting_address=0,
    )
    engine = make_engine(url, pool_size=4)
    wake_ups = WakeUps()
    sessions = make_sessions(engine, wake_ups)
    ours = Connections(engine, sessions)
    app = create_app(settings)
    async with (
        httpx.AsyncClient(trust_env=False) as outgoing,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        state = app.state.heliodesk = build_state(settings, ours, ours, ours, outgoing, wake_ups)
        world = World(client, sessions, app, Readings(state.offload, lambda: None), files)
        client.event_hooks["response"].append(world.note)
        await _fill(world)
        yield world
        await state.offload.close()
    await engine.dispose()


async def _fill(world: World) -> None:
    sessions = world.sessions
    async with transaction(sessions) as session:
        await load_builtin(session, await database_now(session))
    theirs = (await make_account(sessions, PLAN, name="Another")).account_id
    await make_region(sessions, key="emea")
    engineer = (await make_engineer(sessions, absences=[_ALWAYS])).id  # is never held, and so can be assigned
    world.ids = {"engineer_id": engineer, "key": examples.WRITTEN["key"], "slug": "not-found", "plan": "itil-native"}
    world.keys = {
        "admin": await make_key(sessions, "admin"),
        "agent": await make_key(sessions, "agent"),
        "engineer": await make_key(sessions, "agent", engineer_id=engineer),
        "stranger": await make_key(sessions, account_id=theirs, role="owner"),
        "hook": await make_key(sessions, "hook", account_id=theirs),
        "revoked": await make_key(sessions, "admin", label="revoked"),
        "expired": await make_key(sessions, "admin", label="expired"),
    }
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute("UPDATE api_keys SET revoked_at = now() WHERE label = 'revoked'")
        await connection.execute("UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE label = 'expired'")
    await world.renew()
