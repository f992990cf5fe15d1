"""Google Meet over REST (v2): a space for each call, made in the name of a user of the operator's Workspace."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp
import httpx
import structlog
from pydantic import BaseModel, Field, ValidationError

from app.calls.providers.google import ServiceAccount, Tokens, read_service_account
from app.calls.providers.hosts import MINUTE, Hosts
from app.calls.providers.provider import CallFailed, CallRequest, Link, Participant, Room
from app.core.clock import monotonic, wall_now
from app.core.outgoing.connector import TargetRefused
from app.core.outgoing.retry_after import parse_retry_after
from app.core.settings import Settings
from app.events.failures import FailureCode

SCOPE: Final = "https://www.googleapis.com/auth/meetings.space.created"
TIMEOUT: Final = 10.0
"""Seconds for one attempt, however many requests it takes."""
_SHOWN: Final = 500
"""Characters of a refusal that are logged."""
_LARGEST_PAGE: Final = 250
_UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

_log = structlog.get_logger(__name__)


class _Space(BaseModel):
    name: str = Field(pattern=r"^spaces/[\w-]+$")
    meeting_uri: str = Field(alias="meetingUri", pattern=r"^https://")


class _Record(BaseModel):
    name: str = Field(pattern=r"^conferenceRecords/[\w-]+$")


class _Records(BaseModel):
    found: list[_Record] = Field([], alias="conferenceRecords")


class _Nothing(BaseModel):
    """An answer of which nothing is needed."""


class _User(BaseModel):
    name: str = Field("", alias="displayName")


class _Participant(BaseModel):
    signed_in: _User | None = Field(None, alias="signedinUser")
    anonymous: _User | None = Field(None, alias="anonymousUser")
    phone: _User | None = Field(None, alias="phoneUser")


class _Participants(BaseModel):
    found: list[_Participant] = Field([], alias="participants")


Answer = TypeVar("Answer", bound=BaseModel)


class _Refused(CallFailed):
    """This user may not do this, or not now: worth another user's try. ``seconds``: for how long."""

    def __init__(self, status: int, seconds: float) -> None:
        super().__init__("refused", status=status, retry_after=seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Meet:
    """Spaces made by the service account behind ``tokens`` in the names of ``hosts``."""

    http: httpx.AsyncClient
    tokens: Tokens
    hosts: Hosts
    api_url: str
    access_type: str
    timeout: float = TIMEOUT
    name: str = "meet"

    async def create(self, request: CallRequest) -> Link:
        """A new space. A user who is refused is passed over for a minute, or as long as Meet says; the next one tries.

        The API has no idempotency key: where an answer was lost, ``CallFailed.lost`` says that there may be a space.
        """
        del request
        until = monotonic() + self.timeout
        code: FailureCode = "rate_limited"
        status: int | None = None
        while host := self.hosts.take(monotonic()):
            try:
                return await self._create_as(host, until)
            except _Refused as refused:
                self.hosts.pass_over(host, monotonic() + refused.seconds)
                code, status = refused.code, refused.status
        raise CallFailed(code, status=status, retry_after=self.hosts.wait(monotonic()))

    async def participants(self, room: Room) -> Sequence[Participant]:
        """Everybody who has been in the space, by name: the API tells no e-mail address."""
        until = monotonic() + self.timeout
        query = {"filter": f'space.name="{room.name}"'}
        records = await self._ask(room.host, until, _Records, "GET", "/v2/conferenceRecords", params=query)
        found: list[Participant] = []
        for record in records.found:
            path, size = f"/v2/{record.name}/participants", {"pageSize": _LARGEST_PAGE}
            page = await self._ask(room.host, until, _Participants, "GET", path, params=size)
            found += [_participant(one) for one in page.found]
        return found

    async def end(self, room: Room) -> None:
        """End the conference in the space, if there is one."""
        until = monotonic() + self.timeout
        try:
            await self._ask(room.host, until, _Nothing, "POST", f"/v2/{room.name}:endActiveConference", json={})
        except _Refused as refused:
            if refused.status not in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
                raise

    async def _create_as(self, host: str, until: float) -> Link:
        body = {"config": {"accessType": self.access_type}}
        space = await self._ask(host, until, _Space, "POST", "/v2/spaces", creates=True, json=body)
        return Link(self.name, space.meeting_uri, Room(space.name, host))

    async def _ask(
        self,
        host: str,
        until: float,
        model: type[Answer],
        method: str,
        path: str,
        *,
        creates: bool = False,
        **content: Any,
    ) -> Answer:
        """What the API answers to ``host``. Raises ``CallFailed``, which is ``lost`` only of what ``creates``."""
        token = await self._token(host, until)
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = await self._send(method, self.api_url + path, until, headers=headers, **content)
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise CallFailed("unreadable_answer", lost=creates, host=host) from error
        except CallFailed as failed:
            if isinstance(failed, _Refused) and failed.status == httpx.codes.UNAUTHORIZED:
                self.tokens.forget(host)
                raise CallFailed(failed.code, status=failed.status) from failed
            failed.lost, failed.host = failed.lost and creates, host
            raise

    async def _token(self, host: str, until: float) -> str:
        kept = self.tokens.kept(host, monotonic())
        if kept:
            return kept
        try:
            answer = await self._send(
                "POST", self.tokens.url, until, data=self.tokens.form(host, wall_now().timestamp())
            )
        except CallFailed as failed:
            failed.lost = False
            raise
        return self.tokens.keep(host, answer, monotonic())

    async def _send(self, method: str, url: str, until: float, **content: Any) -> httpx.Response:
        """The answer, if it is one of success. Raises ``CallFailed``: ``lost`` unless surely nothing was done."""
        try:
            async with asyncio.timeout(until - monotonic()):
                answer = await self.http.request(method, url, **content)
        except TimeoutError as error:
            raise CallFailed("timed_out", lost=True) from error
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            unsent = isinstance(error, TargetRefused) or isinstance(error.__cause__, _UNSENT)
            raise CallFailed("unreachable" if unsent else "answer_lost", lost=not unsent) from error
        if answer.is_success:
            return answer
        _log.warning("google meet refuses", status=answer.status_code, url=url, answer=answer.text[:_SHOWN])
        raise _failure(answer)


def _failure(answer: httpx.Response) -> CallFailed:
    """What an answer without success means: of a server's error, nobody knows whether a space was made."""
    status = answer.status_code
    wait = parse_retry_after(answer.headers.get("retry-after"), wall_now())
    seconds = None if wait is None else max(wait.total_seconds(), 0.0)
    if answer.is_client_error:
        return _Refused(status, MINUTE if seconds is None else seconds)
    return CallFailed("refused", status=status, retry_after=seconds, lost=answer.is_server_error)


def _participant(found: _Participant) -> Participant:
    user = found.signed_in or found.anonymous or found.phone or _User()
    return Participant(user.name, signed_in=found.signed_in is not None)


def credentials(settings: Settings) -> ServiceAccount | None:
    """The service account, where the operator has given one. Raises ``Unconfigurable``."""
    return read_service_account(settings.meet_credentials_file) if settings.meet_credentials_file else None


def make_meet(settings: Settings, http: httpx.AsyncClient) -> Meet | None:
    """Meet as the operator has set it up; None without credentials. Raises ``Unconfigurable``."""
    account = credentials(settings)
    if account is None:
        return None
    return Meet(
        http,
        Tokens(account, str(settings.meet_token_url), SCOPE),
        Hosts(settings.meet_hosts),
        str(settings.meet_api_url).rstrip("/"),
        settings.meet_access_type,
    )
