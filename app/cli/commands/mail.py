"""``heliodesk mail fetch``: the e-mails of an IMAP mailbox are posted to a hook, each once.

An e-mail is marked as seen, or moved, after the hook has answered that it keeps it. Whatever ends this command in
between, the e-mail is posted again, and the hook recognises it.
"""

import asyncio
import imaplib
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import typer
from imap_tools import AND, BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessageFlags
from imap_tools.errors import ImapToolsError

from app.core.outgoing.addresses import is_localhost, literal
from app.core.outgoing.connector import make_http
from app.core.settings import Settings, Unconfigurable

TIMEOUT: Final = 60.0
"""Seconds for one step with the mailbox."""
_SHAPE: Final = "The mailbox is like imaps://user:password@host/INBOX, with %40 for an @ and %2F for a /"
_PORTS: Final = {"imaps": 993, "imap": 143}
_ANYWHERE: Final = [ip_network("0.0.0.0/0"), ip_network("::/0")]
_KEPT: Final = 202
_REFUSED: Final = frozenset({400, 413, 415})
"""Answers that another try would get again: such an e-mail is flagged, and stays."""
_TROUBLE: Final = (ImapToolsError, imaplib.IMAP4.error, OSError, httpx.HTTPError, httpx.InvalidURL)

mail = typer.Typer(help="Fetch e-mails.", no_args_is_help=True)


@mail.callback()
def _group() -> None:
    """Fetch e-mails."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of an IMAP server: ``imaps://user:password@host/INBOX``; ``imap`` begins TLS, unless it is local."""

    url: str = field(repr=False)

    def open(self) -> BaseMailBox:
        """Log in. Raises ``ImapToolsError`` and ``OSError``, and ``Unconfigurable`` for what is no such URL."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # which would show a part of the password
            raise Unconfigurable(_SHAPE) from None
        if parts.scheme not in _PORTS or not host or not parts.username:
            raise Unconfigurable(_SHAPE)
        port = port or _PORTS[parts.scheme]
        address = literal(host)
        is_local = is_localhost(host) or (address is not None and address.is_loopback)
        kind = MailBox if parts.scheme == "imaps" else MailBoxUnencrypted if is_local else MailBoxStartTls
        try:
            found = kind(host, port, timeout=TIMEOUT)
        except OSError as error:
            raise OSError(f"{host}, port {port}: {error}") from error
        return found.login(unquote(parts.username), unquote(parts.password or ""), self.folder)

    @property
    def folder(self) -> str:
        """The folder of which e-mails are fetched."""
        return unquote(urlsplit(self.url).path.strip("/")) or "INBOX"


@dataclass(slots=True)
class Fetched:
    """What one poll of a mailbox has brought."""

    kept: int = 0
    duplicates: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return f"{self.kept} e-mails fetched, {self.duplicates} of them again, {self.refused} refused"


@dataclass(frozen=True, slots=True)
class Hook:
    """The hook's address, and its key."""

    url: str
    key: str = field(repr=False)

    async def post(self, client: httpx.AsyncClient, raw: bytes) -> httpx.Response:
        """Post an e-mail."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "message/rfc822"}
        return await client.post(f"{self.url.rstrip('/')}/email", content=raw, headers=headers)


async def fetch(mailbox: BaseMailBox, hook: Hook, client: httpx.AsyncClient, move_to: str | None) -> Fetched:
    """Post what has not been seen, the oldest first.

    Raises ``httpx.HTTPError`` where the hook does not answer, or has no room now: the rest comes next time;
    ``Unconfigurable`` where there is no folder ``move_to``.
    """
    fetched = Fetched()
    if move_to and not await asyncio.to_thread(mailbox.folder.exists, move_to):
        raise Unconfigurable(f"The mailbox has no folder {move_to}")
    for uid in await asyncio.to_thread(mailbox.uids, AND(seen=False, flagged=False)):
        raw = await asyncio.to_thread(_content, mailbox, uid)
        if raw is None:  # somebody has removed it
            continue
        answer = await hook.post(client, raw)
        if answer.status_code in _REFUSED:
            await asyncio.to_thread(mailbox.flag, uid, MailMessageFlags.FLAGGED, value=True)
            typer.echo(f"refused, and flagged in the mailbox: {answer.text}", err=True)
            fetched.refused += 1
            continue
        if answer.status_code != _KEPT or "receipt_id" not in answer.text:  # or it is not a hook that answers
            raise httpx.HTTPStatusError(f"{answer.status_code}: {answer.text}", request=answer.request, response=answer)
        await asyncio.to_thread(_done, mailbox, uid, move_to)
        fetched.kept += 1
        fetched.duplicates += bool(answer.json()["duplicate"])
    return fetched


def _content(mailbox: BaseMailBox, uid: str) -> bytes | None:
    """An e-mail as it is, byte by byte, without marking it."""
    _, found = mailbox.client.uid("fetch", uid, "(BODY.PEEK[])")
    parts: list[Any] = [part for part in found or () if isinstance(part, tuple)]
    return bytes(parts[0][1]) if parts else None


def _done(mailbox: BaseMailBox, uid: str, move_to: str | None) -> None:
    mailbox.flag(uid, MailMessageFlags.SEEN, value=True)
    if move_to:
        mailbox.move(uid, move_to)


@mail.command(name="fetch")
def fetch_command(
    mailbox: Annotated[str, typer.Option(envvar="HELIODESK_IMAP_URL", help="imaps://user:password@host/INBOX")],
    hook: Annotated[str, typer.Option(envvar="HELIODESK_MAIL_HOOK", help="https://host/v1/ingest/hook_...")],
    key: Annotated[str, typer.Option(envvar="HELIODESK_MAIL_HOOK_KEY", help="The hook's key")],
    move_to: Annotated[str | None, typer.Option(help="A folder into which fetched e-mails are moved")] = None,
    every: Annotated[float, typer.Option(min=0, help="Seconds between two polls; 0: poll once")] = 60,
) -> None:
    """Post the unseen e-mails of an IMAP mailbox to a hook. Each is marked as seen once the hook has stored it."""
    try:
        raise typer.Exit(asyncio.run(_fetch(Mailbox(mailbox), Hook(hook, key), move_to, timedelta(seconds=every))))
    except Unconfigurable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


async def _fetch(mailbox: Mailbox, hook: Hook, move_to: str | None, every: timedelta) -> int:
    """Poll again and again; the exit code of a single poll."""
    settings = Settings().model_copy(update={"allow_networks": _ANYWHERE})  # the operator names the address
    async with make_http(settings) as client:
        while True:
            code = await _poll(mailbox, hook, client, move_to)
            if not every:
                return code
            await asyncio.sleep(every.total_seconds())


async def _poll(mailbox: Mailbox, hook: Hook, client: httpx.AsyncClient, move_to: str | None) -> int:
    try:
        opened = await asyncio.to_thread(mailbox.open)
        try:
            typer.echo(str(await fetch(opened, hook, client, move_to)))
        finally:
            await asyncio.to_thread(opened.logout)
    except _TROUBLE as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        return 1
    return 0
