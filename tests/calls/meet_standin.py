"""Google's token service and the Meet API (v2) on loopback, by the documented shapes.

It checks what it gets the way Google does, without any code of ours, and answers with faults on demand.
"""

import asyncio
import base64
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.core import clock

SCOPE = "https://www.googleapis.com/auth/meetings.space.created"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCOUNT = "heliodesk@support-desk.iam.gserviceaccount.example"
KEY_ID = "5f2a91c07d"

Fault = Callable[["Google", web.Request], Awaitable[web.StreamResponse]]


def problem(status: int, code: str, message: str, **headers: str) -> web.Response:
    """An error in Google's envelope; header names are written with underscores."""
    body = {"error": {"code": status, "message": message, "status": code, "details": []}}
    return web.json_response(
        body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def answers(status: int, code: str = "UNKNOWN", **headers: str) -> Fault:
    """Makes nothing."""

    async def fault(_: "Google", __: web.Request) -> web.StreamResponse:
        return problem(status, code, "host-1@desk.example: Resource has been exhausted (quota).", **headers)

    return fault


HANGS: Final = 3.0
"""Seconds after which a test gives up who hangs: longer than a busy machine stands still before it has asked."""


async def hangs(_: "Google", __: web.Request) -> web.StreamResponse:
    """Answers later than anybody waits."""
    await asyncio.sleep(600)
    return web.Response(status=504)


async def loses_the_answer(google: "Google", request: web.Request) -> web.StreamResponse:
    """Makes the space, and resets the connection."""
    await google.make_space(request)
    assert request.transport
    request.transport.abort()
    return web.Response()


async def mumbles(google: "Google", request: web.Request) -> web.StreamResponse:
    """Makes the space, and answers with half a document."""
    await google.make_space(request)
    return web.Response(text='{"name": "spaces/', content_type="application/json")


@dataclass(slots=True)
class Google:
    """What it was asked, what it has made, and which faults the next creations and assertions meet."""

    key: rsa.RSAPrivateKey
    users: frozenset[str] = frozenset({"host-1@desk.example", "host-2@desk.example"})
    url: str = ""
    faults: deque[Fault] = field(default_factory=deque)
    always: Fault | None = None
    assertions: list[dict[str, Any]] = field(default_factory=list)
    creations: list[dict[str, Any]] = field(default_factory=list)
    spaces: dict[str, str] = field(default_factory=dict)
    """by name, the user who made it"""
    people: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """by space, its participants"""
    ended: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """what was wrong with requests"""
    _tokens: dict[str, str] = field(default_factory=dict)

    def credentials(self, folder: Path) -> Path:
        """The service account's key file, as the console gives it out."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        document = {
            "type": "service_account",
            "project_id": "support-desk",
            "private_key_id": KEY_ID,
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
        path = folder / "service-account.json"
        path.write_text(json.dumps(document))
        return path

    def forget_tokens(self) -> None:
        """Every token given out so far is no longer good."""
        self._tokens.clear()

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post())
        wrong = self._wrong_with(form)
        if wrong:
            self.refused.append(wrong)
            return web.json_response({"error": "invalid_grant", "error_description": wrong}, status=400)
        user = self.assertions[-1]["sub"]
        if user not in self.users:
            return web.json_response({"error": "unauthorized_client"}, status=401)
        token = f"ya29.{len(self.assertions)}"
        self._tokens[token] = user
        return web.json_response({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _wrong_with(self, form: dict[str, Any]) -> str | None:
        header, claims, signed, signature = _jwt(form["assertion"])
        self.assertions.append(claims)
        now = clock.wall_now().timestamp()
        rules = {
            "grant": form.keys() == {"grant_type", "assertion"} and form["grant_type"] == GRANT,
            "header": header == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID},
            "claims": claims.keys() == {"iss", "sub", "scope", "aud", "iat", "exp"},
            "iss": claims.get("iss") == ACCOUNT,
            "scope": claims.get("scope") == SCOPE,
            "aud": claims.get("aud") == f"{self.url}/token",
            "iat": abs(claims.get("iat", 0) - now) < 60,
            "exp": claims.get("exp", 0) - claims.get("iat", 0) == 3600,
        }
        try:
            self.key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "signature"
        return next((name for name, holds in rules.items() if not holds), None)

    def _user(self, request: web.Request) -> str | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._tokens.get(token) if kind == "Bearer" else None

    async def create(self, request: web.Request) -> web.StreamResponse:
        user, body = self._user(request), await request.json()
        if user is None:
            return problem(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        self.creations.append({"user": user, "body": body})
        fault = self.faults.popleft() if self.faults else self.always
        return await fault(self, request) if fault else await self.make_space(request)

    async def make_space(self, request: web.Request) -> web.StreamResponse:
        body, user = await request.json(), self._user(request)
        config = body.get("config", {})
        if body.keys() - {"config"} or config.get("accessType", "OPEN") not in ("OPEN", "TRUSTED", "RESTRICTED"):
            self.refused.append(f"body {body}")
            return problem(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        name = f"spaces/jQCFfuBOdN5z-{len(self.spaces)}"
        self.spaces[name] = str(user)
        code = f"abc-mnop-{len(self.spaces):03}"
        space = {"name": name, "meetingUri": f"https://meet.google.com/{code}", "meetingCode": code, "config": config}
        return web.json_response(space)

    async def records(self, request: web.Request) -> web.StreamResponse:
        found = re.fullmatch(r'space\.name="(spaces/[\w-]+)"', request.query.get("filter", ""))
        if found is None:
            self.refused.append(f"filter {request.query}")
            return problem(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        if (user := self._user(request)) is None:
            return problem(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if self.spaces.get(found[1]) != user:
            return web.json_response({})
        names = [found[1]] if self.people.get(found[1]) else []
        records = [
            {"name": name.replace("spaces/", "conferenceRecords/"), "startTime": "2026-01-01T00:00:00Z", "space": name}
            for name in names
        ]
        return web.json_response({"conferenceRecords": records} if records else {})

    async def participants(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"participants": self.people[f"spaces/{request.match_info['record']}"]})

    async def end(self, request: web.Request) -> web.StreamResponse:
        name = f"spaces/{request.match_info['space']}"
        if self.spaces.get(name) != self._user(request) or await request.json() != {}:
            return problem(403, "PERMISSION_DENIED", "The caller does not have permission.")
        if self.always:
            return await self.always(self, request)
        self.ended.append(name)
        if not self.people.get(name):
            return problem(400, "FAILED_PRECONDITION", "There is no active conference.")
        return web.json_response({})


def person(name: str, kind: str = "signedinUser") -> dict[str, Any]:
    """A participant as the API shows it."""
    user = {"displayName": name} | ({"user": "users/123"} if kind == "signedinUser" else {})
    return {"name": "conferenceRecords/1/participants/1", "earliestStartTime": "2026-01-01T00:00:05Z", kind: user}


def _jwt(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    header, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims), token.rpartition(".")[0].encode(), signature


@asynccontextmanager
async def serving(key: rsa.RSAPrivateKey) -> AsyncIterator[Google]:
    """The stand-in, listening on loopback."""
    google = Google(key)
    app = web.Application()
    app.router.add_post("/token", google.token)
    app.router.add_post("/v2/spaces", google.create)
    app.router.add_post("/v2/spaces/{space:[^:/]+}:endActiveConference", google.end)
    app.router.add_get("/v2/conferenceRecords", google.records)
    app.router.add_get("/v2/conferenceRecords/{record}/participants", google.participants)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    google.url = f"http://{host}:{port}"
    try:
        yield google
    finally:
        await runner.cleanup()
