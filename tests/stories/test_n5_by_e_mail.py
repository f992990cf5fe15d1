"""N5: a whole exchange by e-mail, with an IMAP server that customers' mails come to, and an SMTP server for ours."""

from email.message import EmailMessage
from typing import Any

from app.cli.commands.mail import Hook, Mailbox, fetch
from tests.inbound.mail.conftest import Post
from tests.inbound.mail.letters import letter
from tests.support.actors import make_person
from tests.support.dovecot import dovecot


def quoted(mail: EmailMessage) -> str:
    """The plain text of a mail, as readers of mail quote it."""
    part = mail.get_body(("plain",))
    assert part is not None
    return "".join(f"> {line}\n" for line in part.get_content().splitlines())


def outlook(body: str, mail: EmailMessage) -> str:
    """A reply by Outlook, in German."""
    head = (
        f"Von: {mail['From']}\nGesendet: Donnerstag, 26. November 2026 10:15\nAn: Ana Silva\nBetreff: {mail['Subject']}"
    )
    part = mail.get_body(("plain",))
    assert part is not None
    return f"{body}\n\n________________________________\n{head}\n\n{part.get_content()}"


def gmail(body: str, mail: EmailMessage) -> str:
    """A reply by Gmail."""
    return f"{body}\n\nOn Thu, Nov 26, 2026 at 10:15 AM {mail['From']} wrote:\n\n{quoted(mail)}"


async def test_n5_a_customer_and_an_engineer_write_e_mails_and_the_first_response_is_met(post: Post) -> None:
    await make_person(post.desk.sessions, post.desk.account_id, "ana@example.com", "editor")
    engineer_id, agent = await post.engineer()
    await post.at_support()
    with dovecot() as url:
        inbox = Mailbox(url).open()

        async def write(body: str, answering: EmailMessage | None = None, **fields: str) -> None:
            if answering:
                thread = f"{answering['References']} {answering['Message-ID']}"
                fields = {"In_Reply_To": str(answering["Message-ID"]), "References": thread} | fields
            inbox.append(letter(body, **fields), "INBOX")
            hook = Hook(f"http://test/v1/ingest/{post.desk.hook['id']}", post.desk.hook["secret"])
            assert (await fetch(inbox, hook, post.desk.client, None)).kept == 1
            await post.desk.process()

        await write("The nightly backup fails.")
        [ticket] = await post.desk.tickets()
        path = f"/v1/tickets/{ticket['id']}"
        [number] = await post.went()
        assert ticket["number"] in number["Subject"]

        body = {"engineer_id": engineer_id}
        assert (await post.desk.client.post(f"{path}/assign", json=body, headers=post.admin)).status_code == 200
        [handed] = await post.went()
        assert handed["To"] == "jan@support.example"
        assert await state(post, path) == "running"
        await write(gmail("Which version is it?", handed), handed, sender="jan@support.example", To=handed["Reply-To"])
        assert await state(post, path) == "met"

        [asked] = await post.went()
        await write(outlook("It is 3.2.", asked), asked, To=asked["Reply-To"])
        await post.answer(ticket["id"], agent, "Please install 3.3.")
        [told] = await post.went()
        await write(gmail("It works, thank you.", told), told)
        assert await post.went() == []
        inbox.logout()
    said = [(one["kind"], one["visibility"], one["body"]) for one in await post.messages(ticket["id"])]
    assert said == [
        ("engineer", "public", "Which version is it?"),
        ("customer", "public", "It is 3.2."),
        ("engineer", "public", "Please install 3.3."),
        ("customer", "public", "It works, thank you."),
    ]
    kept = await post.desk.client.get(f"{path}/mails", headers=agent)
    assert [one["authentic"] for one in kept.json()["items"]] == [True] * 4
    assert "Gesendet:" in kept.json()["items"][2]["text"]


async def state(post: Post, path: str) -> Any:
    deadlines = (await post.desk.get(f"{path}/deadlines"))["items"]
    [found] = [one for one in deadlines if one["metric"] == "first_response"]
    return found["state"]
