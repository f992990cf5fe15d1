"""What an e-mail would do is told as it then happens, and nothing is written."""

from typing import Any

import pytest

from app.core.settings import Settings
from tests.inbound.mail.bodies import REPLIES
from tests.inbound.mail.conftest import Post, person, token
from tests.inbound.mail.letters import BOB, bounce, letter
from tests.support.desk import fetch

_FILE = (
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the log.\r\n--b\r\n'
    "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=job.log\r\n\r\nerror 5\r\n--b--\r\n"
)
_WRITTEN = """
SELECT (SELECT count(*) FROM tickets) AS tickets, (SELECT count(*) FROM messages) AS messages,
       (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM receipts) AS receipts,
       (SELECT count(*) FROM received_mails) AS mails, (SELECT count(*) FROM notices) AS notices,
       (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM guest_mails) AS told
"""


async def tried(post: Post, raw: bytes) -> dict[str, Any]:
    """What trying the e-mail tells, which writes nothing."""
    before = await fetch(post.desk.sessions, _WRITTEN)
    path = f"/v1/hooks/{post.desk.hook['id']}/try"
    answer = await post.desk.client.post(path, json={"payload": raw.decode()}, headers=post.admin)
    assert answer.status_code == 200, answer.text
    assert await fetch(post.desk.sessions, _WRITTEN) == before
    told: dict[str, Any] = answer.json()
    return told


async def test_a_new_ticket_is_told_before_it_is_opened(post: Post) -> None:
    await person(post)
    await person(post, "tom@example.com")
    head, _, body = _FILE.partition("\r\n\r\n")
    raw = letter(body, Content_Type=head.partition(": ")[2], Cc="Tom <tom@example.com>, x@elsewhere.example")
    told = await tried(post, raw)
    mail, [opened] = told["mail"], told["tickets"]
    ticket = await post.ticket(await post.opened(raw))
    assert (mail["outcome"], mail["reason"], mail["authentic"], mail["answer"]) == ("ticket", None, True, "number")
    assert mail["account_id"] == ticket["account_id"]
    assert (mail["actor"]["kind"], mail["actor"]["name"]) == ("customer", ticket["requester"]["name"])
    assert (mail["text"], opened["title"]) == (ticket["description"], ticket["title"])
    assert (opened["action"], opened["priority"]) == ("opened", ticket["priority"])
    assert mail["watchers"] == [each["email"] for each in ticket["watchers"]] == ["tom@example.com"]
    kept = [each["name"] for each in ticket["attachments"] if each["state"] == "kept"]
    assert [each["name"] for each in mail["attachments"]] == kept == []
    assert told["omissions"] == ["Left out: job.log (text/plain, 7 bytes)"], "there is no store"
    assert (await tried(post, raw))["mail"]["reason"] == "The ticket already has this e-mail"


async def test_a_trial_and_the_receipt_name_the_same_files_that_are_refused(post: Post) -> None:
    await person(post)
    bounds = Settings(file_types=["text/*"], file_bytes=20)
    post.desk.sessions.kw["info"]["files"] = bounds
    kinds = {"a.log": "text/plain", "b.png": "image/png", "c.log": "text/plain", "d.log": "text/plain"}
    texts = {"a.log": "error 5", "b.png": "no text", "c.log": "x" * 21, "d.log": ""}
    parts = [
        f"Content-Type: {kinds[name]}\r\nContent-Disposition: attachment; filename={name}\r\n\r\n{texts[name]}\r\n"
        for name in kinds
    ]
    body = "".join(f"--b\r\n{part}" for part in ("Content-Type: text/plain\r\n\r\nSee.\r\n", *parts)) + "--b--\r\n"
    for way, number in (({}, 3), ({"vouched": ""}, 4)):
        raw = letter(body, Content_Type='multipart/mixed; boundary="b"', **way)
        told = await tried(post, raw)
        receipt = await post.come(raw)
        attached = (await post.ticket(receipt["tickets"][0]["ticket_id"]))["attachments"]
        kept = [each["name"] for each in attached if each["state"] == "kept"]
        assert [each["name"] for each in told["mail"]["attachments"]] == kept == ["a.log"][: 4 - number]
        assert (told["omissions"], told["left_out"]) == (receipt["omissions"], receipt["left_out"])
        assert (len(told["omissions"]), told["left_out"]) == (number, number)


async def test_a_trial_and_the_receipt_name_the_same_files_for_which_there_is_no_room(post: Post) -> None:
    await person(post)
    post.desk.sessions.kw["info"]["files"] = Settings(file_bytes_per_account=10)
    sizes = {"a.log": 6, "b.log": 6, "c.log": 4}
    parts = [
        f"Content-Type: text/plain\r\nContent-Disposition: attachment; filename={name}\r\n\r\n{'x' * size}\r\n"
        for name, size in sizes.items()
    ]
    body = "".join(f"--b\r\n{part}" for part in ("Content-Type: text/plain\r\n\r\nSee.\r\n", *parts)) + "--b--\r\n"
    for kept in (["a.log", "c.log"], []):
        raw = letter(body, Content_Type='multipart/mixed; boundary="b"')
        told, receipt = await tried(post, raw), await post.come(raw)
        attached = (await post.ticket(receipt["tickets"][0]["ticket_id"]))["attachments"]
        assert [each["name"] for each in attached if each["state"] == "kept"] == kept
        assert [each["name"] for each in told["mail"]["attachments"]] == kept
        assert (told["omissions"], told["left_out"]) == (receipt["omissions"], receipt["left_out"])


async def test_replies_notes_and_reports_are_told_as_they_happen(post: Post) -> None:
    await post.at_support()
    await person(post)
    ticket_id = await post.opened()
    [number] = await post.went()
    jan = "Jan <jan@support.example>"
    await post.engineer()
    thread = {"To": await token(post, ticket_id)}
    raws = [
        letter(REPLIES["outlook en"][0], **thread),
        letter("Mine", vouched=False, In_Reply_To=f"<{ticket_id}@helpers.example>"),
        letter("Away", **thread, Auto_Submitted="auto-replied"),
        letter("Done.", jan, **thread),
        letter("#note\nAsk Kim.", jan, **thread),
        letter("On Thu, Nov 26, 2026 at 10:15 AM Ana <ana@example.com> wrote:\n\n> It is 3.2.", jan, **thread),
    ]
    seen = []
    for raw in raws:
        told = await tried(post, raw)
        receipt = await post.come(raw)
        assert [one["ticket_id"] for one in told["tickets"]] == [one["ticket_id"] for one in receipt["tickets"]]
        assert told["omissions"] == receipt["omissions"]
        said = (await post.messages(ticket_id))[-1]
        mail = told["mail"]
        assert (mail["visibility"], mail["actor"]["kind"], mail["text"]) == (
            said["visibility"],
            said["kind"],
            said["body"],
        )
        seen.append((said["visibility"], said["kind"]))
    assert seen == [
        ("public", "customer"),
        ("internal", "automation"),
        ("internal", "automation"),
        ("public", "engineer"),
        ("internal", "engineer"),
        ("internal", "automation"),
    ]
    told = await tried(post, bounce("ana@example.com", str(number["Message-ID"])))
    assert (told["mail"]["outcome"], [one["ticket_id"] for one in told["tickets"]]) == ("bounce", [ticket_id])


async def test_strangers_and_guests_are_told_of_too(post: Post) -> None:
    for _ in range(5):
        await post.opened(letter(vouched=False))
    mail = (await tried(post, letter(vouched=False)))["mail"]
    assert (mail["outcome"], mail["reason"]) == ("nothing", "Guests open at most 5 tickets in 3,600 seconds")
    assert (await tried(post, letter(sender=BOB, vouched=False)))["mail"]["answer"] == "confirmation"
    await post.desk.change(mail={"unknown": "refuse"})
    mail = (await tried(post, letter(sender=BOB)))["mail"]
    assert (mail["outcome"], mail["reason"], mail["answer"]) == ("nothing", "The sender is not known", "refusal")


@pytest.mark.parametrize("payload", [{"From": "ana@example.com"}, 5, None])
async def test_what_is_no_text_is_refused(post: Post, payload: Any) -> None:
    path = f"/v1/hooks/{post.desk.hook['id']}/try"
    answer = await post.desk.client.post(path, json={"payload": payload}, headers=post.desk.owner)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/payload"])
