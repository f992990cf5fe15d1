"""A customer and support write to each other through Debian's Postfix, set up as docs/mail-in.md says."""

import asyncio
import re
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from aiohttp import web

from app.core.settings import Settings
from app.notices.sending.channels import configured
from tests.inbound.mail.conftest import DOMAIN, SENDER, Post, person
from tests.inbound.mail.letters import GATEWAY
from tests.support.desk import fetch
from tests.support.postfix import Pipe, postfix
from tests.support.service import ROOT
from tests.support.waiting import until

_BLOCKS = re.compile(r"^```text\n(.*?)^```", re.DOTALL | re.MULTILINE)


@asynccontextmanager
async def door(client: httpx.AsyncClient) -> AsyncIterator[str]:
    """The address of the service for programs of this machine."""

    async def pass_on(request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        answer = await client.post(request.path, content=await request.read(), headers=headers)
        return web.Response(status=answer.status_code)

    inside = web.Application(client_max_size=2**25)
    inside.router.add_post("/{path:.*}", pass_on)
    runner = web.AppRunner(inside)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    [(host, port)] = runner.addresses
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def documented(post: Post, url: str, folder: Path) -> Pipe:
    """The script, and what Postfix is told of it."""
    script, master, main = _BLOCKS.findall((ROOT / "docs" / "mail-in.md").read_text(encoding="utf-8"))[:3]
    program, key = folder / "to-heliodesk", folder / "hook-key"
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    key.write_text(f"Authorization: Bearer {post.desk.hook['secret']}\n", encoding="utf-8")
    folder.chmod(0o755)
    for shown, ours in (
        ("heliodesk-mail", "nobody"),
        ("/usr/local/bin/to-heliodesk", str(program)),
        ("https://desk.example.com/v1/ingest/hook_...", f"{url}/v1/ingest/{post.desk.hook['id']}"),
        ("/etc/heliodesk/hook-key", str(key)),
    ):
        assert shown in master
        master = master.replace(shown, ours)
    return Pipe(main.replace("in.example.com", DOMAIN), master)


def written(to: str, body: str, **fields: str) -> EmailMessage:
    message = EmailMessage()
    domain = "example.com"
    told = {"Authentication-Results": f"{GATEWAY}; dmarc=pass header.from={domain}", "From": f"Ana <ana@{domain}>"}
    named = told | {"To": to, "Subject": "Größe der Sicherung"} | fields
    for name, value in named.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


def given(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
        server.send_message(message)


async def receipts(post: Post, number: int) -> list[Any]:
    """So many receipts, once they are there and processed."""

    async def came() -> bool:
        return len(await fetch(post.desk.sessions, "SELECT FROM receipts")) >= number

    await until(came, within=60)
    await post.desk.process()
    return list(await fetch(post.desk.sessions, "SELECT state, error, tickets FROM receipts ORDER BY received_at, id"))


async def test_customer_and_support_write_to_each_other_through_it(post: Post) -> None:
    await person(post)
    _, agent = await post.engineer()
    hop = post.port
    async with door(post.desk.client) as url:
        # pytest's own folders are for nobody else, and the pipe has a user of its own
        with (
            TemporaryDirectory(prefix="pipe-") as folder,
            postfix(documented(post, url, Path(folder)), GATEWAY, hop) as port,
        ):
            await asyncio.to_thread(given, port, written(f"support@{DOMAIN}", "Every night\n.\nit grows."))
            [first] = await receipts(post, 1)
            [ticket] = await post.desk.tickets()
            assert (first["state"], ticket["description"]) == ("processed", "Every night\n.\nit grows.")
            post.channels = configured(Settings(smtp_url=f"smtp://127.0.0.1:{port}", mail_from=SENDER))
            await post.answer(ticket["id"], agent, "Which version, Größe?")
            await post.went()
            answers: Callable[[], bool] = lambda: any("Größe?" in _text(one) for one in post.mailbox.messages)  # noqa: E731
            await until(answers, within=60)
            told = next(one for one in post.mailbox.messages if "Größe?" in _text(one))
            assert (told["To"], "Postfix" in str(told["Received"])) == ("ana@example.com", True)
            reply = written(told["Reply-To"], "It is 3.2.", In_Reply_To=told["Message-ID"], Subject="Re: another")
            await asyncio.to_thread(given, port, reply)
            await receipts(post, 2)
    assert [one["body"] for one in await post.messages(ticket["id"])] == ["Which version, Größe?", "It is 3.2."]


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return body.get_content() if body else ""
