"""The ways to an engineer: e-mail, Apprise, PagerDuty, Opsgenie. Whatever fails says why, and never a secret."""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
import structlog

from app.core.outgoing.addresses import Network
from app.core.outgoing.blocking import naming_the_way, vetting_blocking_calls
from app.core.outgoing.via import HEADER
from app.core.problems import message_of
from app.core.settings import Settings, Unconfigurable
from app.core.text.messages import _, verbatim
from app.notices.sending.channels import Mail, NotSent
from app.notices.sending.letters import Letter, of_a_thread
from app.paging.providers import (
    OK,
    Post,
    Text,
    opsgenie_close,
    opsgenie_create,
    pagerduty_resolve,
    pagerduty_trigger,
)

try:
    import apprise
    from apprise.manager_plugins import NotificationManager
except ImportError:  # the extra ``apprise`` is not installed
    apprise = None  # type: ignore[assignment]  # a module, or nothing

SECONDS: Final = 20.0
_THREADS: Final = 16
_READ_SECONDS: Final = 10.0
_CALLER_FAULTS: Final = range(400, 500)
_AGAIN: Final = frozenset({408, 425, 429})
_ANSWER_SHOWN: Final = 200
_log = structlog.get_logger(__name__)


class Refused(NotSent):
    """The same page would be refused again: it is not tried a second time."""


@dataclass(frozen=True, slots=True)
class Method:
    """A contact method, with its secret."""

    kind: str
    target: str
    service_region: str = "us"


class Ways:
    """What sends to contact methods, by an installation's settings."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http = http
        self._mail = Mail(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        self._apprise = AppriseWay(settings.apprise_kinds, settings.allow_networks)
        self._pagerduty = _base(settings.pagerduty_url)
        self._opsgenie = _base(settings.opsgenie_url)

    async def send(self, method: Method, text: Text, way: str = "") -> None:
        """Tell an engineer; ``way`` has the installations that this has come through.

        Raises ``NotSent``, or ``Refused`` where it is no use to try again.
        """
        target, region = method.target, method.service_region
        if method.kind == "email":
            await self._send_mail(target, text)
        elif method.kind == "apprise":
            await self._apprise.send(target, text, way)
        elif method.kind == "pagerduty":
            await self._post(pagerduty_trigger(target, region, text, self._pagerduty), way)
        else:
            await self._post(opsgenie_create(target, region, text, self._opsgenie), way)

    async def resolve(self, method: Method, key: str, way: str = "") -> None:
        """Tell a service that goes on by itself that an alert is over. Raises as ``send`` does."""
        target, region = method.target, method.service_region
        if method.kind == "pagerduty":
            await self._post(pagerduty_resolve(target, region, key, self._pagerduty), way)
        else:
            await self._post(opsgenie_close(target, region, key, self._opsgenie), way)

    def check_apprise(self, url: str) -> None:
        """Raise ``Unconfigurable`` for an Apprise address that is of no use here; the text has no secret."""
        self._apprise.check(url)

    async def _send_mail(self, address: str, text: Text) -> None:
        if self._mail is None:
            raise Refused(_("no SMTP server is configured"))
        links = {"reply": text.reply} if text.reply else {}
        headers = of_a_thread(text.ticket_id, self._mail.sender, links) if text.ticket_id else {}
        await self._mail.deliver(text.message_id, address, Letter(text.title, text.body, headers=headers))

    async def _post(self, post: Post, way: str) -> None:
        headers = {**post.headers, HEADER: way} if way else post.headers
        try:
            answer = await self._http.post(post.url, json=post.body, headers=headers, timeout=SECONDS)
        except httpx.HTTPError as error:
            raise NotSent(verbatim(f"{type(error).__name__}: {error}")) from error
        if answer.status_code == OK:
            return
        said = verbatim(f"{answer.status_code}: {answer.text[:_ANSWER_SHOWN]}")
        if answer.status_code in _CALLER_FAULTS and answer.status_code not in _AGAIN:
            raise Refused(said)
        raise NotSent(said)


def _base(url: object) -> str | None:
    return str(url).rstrip("/") if url else None


class AppriseWay:
    """Apprise addresses of allowed kinds. Apprise makes its own requests: they pass the same wall as ours."""

    def __init__(self, kinds: Sequence[str], allow_networks: Sequence[Network]) -> None:
        self._kinds, self._networks = frozenset(kinds), allow_networks
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")

    def check(self, url: str) -> None:
        """Raise ``Unconfigurable`` unless the address is of a kind that is allowed, and complete."""
        kind = url.partition("://")[0].lower()
        if kind not in self._kinds:
            raise Unconfigurable(_("Apprise addresses of the kind {kind} are not allowed here", kind=kind[:20]))
        if apprise is None or apprise.Apprise.instantiate(url) is None:
            raise Unconfigurable(_("This is not a valid Apprise address of the kind {kind}", kind=kind))

    async def send(self, url: str, text: Text, way: str = "") -> None:
        """Send in a thread. Raises ``NotSent``."""
        try:
            self.check(url)
        except Unconfigurable as error:
            raise Refused(message_of(error)) from error
        work = partial(self._notify, url, text, way)
        if not await asyncio.get_running_loop().run_in_executor(self._threads, work):
            raise NotSent(_("the service did not take it, or its address may not be reached from here"))

    def _notify(self, url: str, text: Text, way: str) -> bool:
        plugin: Any = apprise.Apprise.instantiate(url)
        plugin.socket_connect_timeout = plugin.socket_read_timeout = _READ_SECONDS
        plugin.retry, plugin.optional = 0, False
        with vetting_blocking_calls(self._networks), naming_the_way(way):
            try:
                return bool(plugin.notify(title=text.title, body=text.body, body_format=apprise.NotifyFormat.TEXT))
            except Exception as error:  # noqa: BLE001  of a service's own module: it may name the address
                _log.warning("an Apprise service failed", kind=url.partition(":")[0], error=type(error).__name__)
                return False


def check_kinds(settings: Settings) -> None:
    """Raise ``Unconfigurable`` where the setting names kinds that are not known, or whose calls cannot be vetted."""
    if not settings.apprise_kinds:
        return
    if apprise is None:
        raise Unconfigurable("HELIODESK_APPRISE_KINDS needs the extra: pip install 'heliodesk[apprise]'")
    known: Any = NotificationManager()  # type: ignore[no-untyped-call]  # Apprise has no types
    for kind in settings.apprise_kinds:
        if kind not in known:
            raise Unconfigurable(f"HELIODESK_APPRISE_KINDS: Apprise does not know what {kind}: is")
        if not hasattr(sys.modules[known[kind].__module__], "requests"):
            raise Unconfigurable(f"HELIODESK_APPRISE_KINDS: {kind}: does not go by HTTP, so its calls cannot be vetted")
