"""``heliodesk mail fetch`` with Debian's Dovecot: each e-mail becomes one ticket, whatever happens in between."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from imap_tools import AND, BaseMailBox

from app.cli.commands import mail
from app.cli.commands.mail import Hook, Mailbox, _fetch, fetch
from app.core.settings import Unconfigurable
from tests.inbound.mail.conftest import Post
from tests.inbound.mail.letters import letter
from tests.support.actors import make_person
from tests.support.dovecot import dovecot
from tests.support.ports import free_port
from tests.support.service import heliodesk

FLAGGED = AND(flagged=True)
UNSEEN = AND(seen=False)
HOOK = Hook("http://127.0.0.1:1/v1/ingest/x", "k")


@pytest.fixture(scope="module")
def imap() -> Iterator[str]:
    with dovecot() as url:
        yield url


@pytest.fixture
def inbox(imap: str) -> Iterator[BaseMailBox]:
    opened = Mailbox(imap).open()
    yield opened
    opened.delete(opened.uids())
    opened.logout()


def hook(post: Post) -> Hook:
    return Hook(f"http://test/v1/ingest/{post.desk.hook['id']}", post.desk.hook["secret"])


async def test_each_mail_is_fetched_once_also_after_a_crash_before_it_was_marked(
    post: Post, inbox: BaseMailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_person(post.desk.sessions, post.desk.account_id, "ana@example.com", "editor")
    for body in ("One", "Two"):
        inbox.append(letter(body), "INBOX")
    with pytest.raises(Unconfigurable, match="Done"):
        await fetch(inbox, hook(post), post.desk.client, "Done")
    inbox.folder.create("Done")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mail, "_done", crash)
        with pytest.raises(KeyboardInterrupt):
            await fetch(inbox, hook(post), post.desk.client, None)
    assert len(inbox.uids(UNSEEN)) == 2
    fetched = await fetch(inbox, hook(post), post.desk.client, "Done")
    assert (fetched.kept, fetched.duplicates, fetched.refused) == (2, 1, 0)
    assert (await fetch(inbox, hook(post), post.desk.client, None)).kept == 0
    assert inbox.uids() == []
    await post.desk.process()
    assert [ticket["description"] for ticket in await post.desk.tickets()] == ["One", "Two"]


async def test_what_the_hook_refuses_is_flagged_and_what_it_cannot_take_now_stays(
    post: Post, inbox: BaseMailBox
) -> None:
    inbox.append(letter("x" * (25 * 1024 * 1024)), "INBOX")
    assert (await fetch(inbox, hook(post), post.desk.client, None)).refused == 1
    assert len(inbox.uids(FLAGGED)) == 1
    inbox.append(letter("Later"), "INBOX")
    await post.desk.change(enabled=False)
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await fetch(inbox, hook(post), post.desk.client, None)
    elsewhere = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(202, text="Welcome")))
    with pytest.raises(httpx.HTTPStatusError, match="Welcome"):
        await fetch(inbox, hook(post), elsewhere, None)
    assert len(inbox.uids(AND(seen=False, flagged=False))) == 1


def test_the_command_says_what_is_wrong(imap: str) -> None:
    wrong = (imap.replace("hunter", "nobody"), 1), ("https://example.com", 2), ("imap://a:hunter/2@example.com/", 2)
    for url, code in wrong:
        options = ("--mailbox", url, "--hook", "http://127.0.0.1:1/v1/ingest/x", "--key", "k", "--every", "0")
        done = heliodesk("mail", "fetch", *options)
        assert done.code == code, done.errors
        assert done.errors
        assert "hunter" not in done.errors


def test_a_mailbox_that_is_not_there_is_named_by_host_and_port(capsys: pytest.CaptureFixture[str]) -> None:
    for scheme in ("imap", "imaps"):
        port = free_port()
        assert asyncio.run(_fetch(Mailbox(f"{scheme}://a:hunter2@127.0.0.1:{port}"), HOOK, None, timedelta())) == 1
        errors = capsys.readouterr().err
        assert f"127.0.0.1, port {port}: " in errors
        assert "hunter2" not in errors
