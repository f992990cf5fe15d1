"""What an e-mail does: whose it is, which ticket it finds, and who may say something on it."""

from pathlib import Path
from typing import Any

import pytest

from app.core.settings import Settings
from tests.inbound.mail.bodies import REPLIES
from tests.inbound.mail.conftest import Post, person, token
from tests.inbound.mail.letters import BOB, GATEWAY, bounce, letter
from tests.support.actors import make_account, make_key, make_person
from tests.support.desk import fetch


async def test_a_persons_mail_opens_a_ticket_and_they_get_its_number(post: Post) -> None:
    await person(post)
    await person(post, "tom@example.com")
    ticket = await post.ticket(await post.opened(letter(Cc="Tom <tom@example.com>, x@elsewhere.example")))
    assert (ticket["channel"], ticket["title"], ticket["description"]) == ("email", "Backups fail", "It is 3.2.")
    assert (ticket["requester"]["email"], ticket["unconfirmed"]) == ("ana@example.com", False)
    assert [each["email"] for each in ticket["watchers"]] == ["tom@example.com"]
    [number] = await post.went()
    assert (number["To"], number["Subject"]) == ("ana@example.com", f"{ticket['number']}: Backups fail")
    assert number["Auto-Submitted"] == "auto-generated"
    assert number["Reply-To"] == await token(post, ticket["id"])
    assert "@mail.example.com>" in number["In-Reply-To"]


async def test_a_reply_finds_its_ticket_by_the_thread_or_the_signed_address_never_by_its_subject(post: Post) -> None:
    await person(post)
    ticket_id = await post.opened()
    [number] = await post.went()
    ways: list[dict[str, str]] = [
        {"References": f"<x@y.example> {number['Message-ID']} <{ticket_id}@helpers.example>"},
        {"To": (await token(post, ticket_id)).upper()},
    ]
    for way in ways:
        receipt = await post.come(letter(REPLIES["outlook en"][0], Subject="Anything", **way))
        assert [one["ticket_id"] for one in receipt["tickets"]] == [ticket_id]
    other = await post.opened(letter("Again", Subject=f"Re: {number['Subject']}"))
    assert other != ticket_id
    said = await post.messages(ticket_id)
    assert [(one["visibility"], one["kind"], one["body"]) for one in said] == [("public", "customer", "It is 3.2.")] * 2
    [first, *_] = await fetch(post.desk.sessions, "SELECT text FROM received_mails WHERE posted_id IS NOT NULL")
    assert "From: Support" in first["text"], "the whole is kept"


async def test_a_reply_finds_its_ticket_by_the_id_of_any_mail_about_it_and_at_no_hook_of_another_account(
    post: Post,
) -> None:
    await person(post)
    ticket_id = await post.opened()
    _, key = await post.engineer()
    sent = [str(one["Message-ID"]) for one in await post.went()]
    await post.answer(ticket_id, key)
    sent += [str(one["Message-ID"]) for one in await post.went()]
    await post.answer(ticket_id, key)
    await post.answer(ticket_id, key, "And which region?")
    [bundled] = await post.went()
    sent.append(str(bundled["Message-ID"]))
    shown = (await post.desk.client.get(f"/v1/tickets/{ticket_id}/notices", headers=post.admin)).json()["items"]
    assert len(sent) == len(set(sent)) == len(shown) == 3
    page = f"<alr_{ticket_id[4:]}.rul_{ticket_id[4:]}.{ticket_id}@helpers.example>"
    ids = [*sent, sent[0].upper(), page, *(f"<{one['id']}@helpers.example>" for one in shown)]
    for place, each in enumerate(ids):
        way = {"In_Reply_To": each} if place % 2 else {"References": each}
        receipt = await post.come(letter(Subject="Anything", **way))
        assert [(one["action"], one["ticket_id"]) for one in receipt["tickets"]] == [("notified", ticket_id)], each
    guest = await post.opened(letter(sender=BOB, vouched=False))
    [confirmation] = await post.went()
    receipt = await post.come(letter(sender=BOB, vouched=False, In_Reply_To=str(confirmation["Message-ID"])))
    assert [(one["action"], one["ticket_id"]) for one in receipt["tickets"]] == [("notified", guest)]
    ids.append(str(confirmation["Message-ID"]))
    other = (await make_account(post.desk.sessions, "itil-native")).account_id
    fields = {"account_id": other, "name": "Mail", "format": "email", "mail": {"authserv_id": GATEWAY}}
    made = await post.desk.client.post("/v1/hooks", json=fields, headers=post.admin)
    post.desk.hook = made.json()
    for each in ids:
        receipt = await post.come(letter(sender=BOB, In_Reply_To=each))
        assert [one["action"] for one in receipt["tickets"]] == ["opened"], each


async def test_only_support_reads_e_mails_as_they_came_and_the_names_of_their_files(post: Post) -> None:
    await person(post)
    ticket_id = await post.opened()
    await post.engineer()
    head = 'multipart/mixed; boundary="b"'
    body = "--b\r\n\r\n#note Rude.\r\n--b\r\nContent-Disposition: attachment; filename=secret.txt\r\n\r\nx\r\n--b--\r\n"
    jan = letter(body, "Jan <jan@support.example>", Content_Type=head, To=await token(post, ticket_id))
    receipt = await post.come(jan)
    assert "secret.txt" in str(receipt["omissions"])
    assert "Rude." in receipt["payload"]
    path = f"/v1/hooks/{post.desk.hook['id']}/receipts"
    for role in ("viewer", "owner"):
        key = await make_key(post.desk.sessions, account_id=post.desk.account_id, role=role)
        shown = await post.desk.client.get(f"{path}/{receipt['id']}", headers=key)
        assert shown.status_code == 403
        listed = (await post.desk.client.get(path, headers=key)).json()["items"][0]
        assert (listed["id"], listed["omissions"]) == (receipt["id"], receipt["omissions"][:1])


async def test_a_mail_in_a_persons_name_that_nobody_vouches_for_reads_as_unconfirmed_and_they_are_told(
    post: Post,
) -> None:
    await person(post)
    ticket_id = await post.opened()
    await post.went()
    to = await token(post, ticket_id)
    said = [
        (letter("Please delete all.", vouched=False, To=to), {"name": "ana", "unconfirmed": True}),
        (letter("It is 3.2.", "ana <bob@stranger.example>", To=to), {"name": "ana <bob@stranger.example>"}),
        (letter("It is mine.", To=to), {"name": "ana"}),
    ]
    for raw, _ in said:
        receipt = await post.come(raw)
        assert [(one["action"], one["ticket_id"]) for one in receipt["tickets"]] == [("notified", ticket_id)]
    path = f"/v1/tickets/{ticket_id}"
    shown = (await post.desk.get(f"{path}/messages"))["items"]
    events = [one for one in (await post.desk.get(f"{path}/timeline"))["items"] if one["type"] == "message.posted"]
    for whose in ([each["author"] for each in shown], [each["actor"] for each in events]):
        found = [{name: value for name, value in each.items() if name not in ("kind", "id")} for each in whose]
        assert found == [author for _, author in said]
        assert ["id" in each for each in whose] == [False, False, True]
    [mail] = await post.went()
    assert mail["To"] == "ana@example.com"
    body = mail.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert "Message in the name of ana (sender not confirmed)" in text
    assert "Message from ana <bob@stranger.example>" in text
    assert "It is mine." not in text


async def test_the_same_mail_again_is_a_duplicate(post: Post) -> None:
    await person(post)
    raw = letter(Message_ID="<once@mail.example.com>")
    await post.opened(raw)
    answer = await post.desk.send(b"Received: from elsewhere\r\n" + raw, "/email")
    assert answer.json()["duplicate"] is True
    assert len(await post.desk.tickets()) == 1


async def test_whom_nobody_vouches_for_is_a_guest_and_on_a_ticket_only_a_note(post: Post) -> None:
    await person(post)
    guest = await post.ticket(await post.opened(letter(vouched=False)))
    assert guest["unconfirmed"] is True
    [opened] = [
        one
        for one in (await post.desk.get(f"/v1/tickets/{guest['id']}/timeline"))["items"]
        if one["type"] == "ticket.opened"
    ]
    assert opened["actor"] == {"kind": "customer", "name": "ana", "unconfirmed": True}
    [confirmation] = await post.went()
    assert "Backups fail" not in confirmation.as_string()
    receipt = await post.come(letter("Close it", vouched=False, In_Reply_To=f"<{guest['id']}@helpers.example>"))
    assert "could not be verified" in receipt["omissions"][0]
    [note] = await post.messages(guest["id"])
    assert (note["visibility"], note["kind"]) == ("internal", "automation")
    assert "Close it" in note["body"]
    await post.come(letter("Mine", vouched=False, To=await token(post, guest["id"])))
    assert [one["visibility"] for one in await post.messages(guest["id"])] == ["internal", "public"]
    assert (await post.ticket(guest["id"]))["unconfirmed"] is True, "only support confirms it"


async def test_no_e_mail_is_refused_for_what_no_form_has_asked(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = {"pointer": "/business_impact", "detail": "Say how large the impact is"}
    monkeypatch.setattr("app.tickets.usecases.open.missing_texts", lambda *_: [fault])
    await person(post)
    for fields in ({}, {"vouched": ""}, {"Auto_Submitted": "auto-generated"}):
        await post.opened(letter(**fields))
    body = {"title": "x", "description": "x", "requester": {"name": "Ana", "email": "ana@example.com"}}
    answer = await post.desk.client.post("/v1/tickets", json=body, headers=post.desk.owner)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/business_impact")


async def test_viewers_write_nothing_and_strangers_are_treated_as_the_hook_says(post: Post) -> None:
    await person(post, role="viewer")
    assert (await post.come(letter()))["state"] == "ignored"
    ticket_id = await post.opened(letter(sender=BOB))
    assert len(await post.went()) == 1
    await post.come(letter("No", To=await token(post, ticket_id)))
    assert [one["visibility"] for one in await post.messages(ticket_id)] == ["internal"]
    for unknown, mails in (("refuse", 1), ("ignore", 0)):
        await post.desk.change(mail={"unknown": unknown})
        for body in ("One", "Two"):
            receipt = await post.come(letter(body, "Eve <eve@stranger.example>"))
            assert (receipt["state"], receipt["omissions"]) == ("ignored", ["The sender is not known"])
        assert [mail["To"] for mail in await post.went()] == ["eve@stranger.example"] * mails


async def test_automatic_answers_answer_nothing_reopen_nothing_and_get_no_answer(post: Post) -> None:
    await person(post)
    ticket_id = await post.opened()
    await post.went()
    _, agent = await post.engineer()
    await post.desk.client.post(
        f"/v1/tickets/{ticket_id}/status", json={"status": "resolved", "message": "Done"}, headers=agent
    )
    assert len(await post.went()) == 1
    robots = [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"X_Autoreply": "yes"}]
    robots += [{"Subject": "Automatische Antwort: K7M"}, {"Return_Path": "<>"}]
    for number, fields in enumerate(robots):
        await post.come(letter(f"Away {number}", To=await token(post, ticket_id), **fields))
    assert (await post.ticket(ticket_id))["status"] == "resolved"
    assert {one["visibility"] for one in (await post.messages(ticket_id))[1:]} == {"internal"}
    assert (await post.come(letter("Away", **robots[0])))["state"] == "ignored"
    assert await post.went() == []


async def test_an_out_of_office_storm_between_two_robots_ends_after_one_message(post: Post) -> None:
    """The other robot answers whatever it gets, and says nothing of being one."""
    robot = "Robot <desk@example.com>"
    await person(post, "desk@example.com")
    raw, sent = letter(sender=robot), 0
    for number in range(3):
        await post.come(raw)
        sent += len(await post.went())
        raw = letter(f"We have got {number}", robot, Subject=f"Ticket {number}", References="<x@mail.example.com>")
    assert sent == 1


async def test_a_closed_ticket_is_followed_up_and_a_merged_one_goes_on(post: Post) -> None:
    await person(post)
    first, second = await post.opened(), await post.opened(letter("Two"))
    _, agent = await post.engineer()
    client = post.desk.client
    await client.post(f"/v1/tickets/{first}/merge", json={"into": second}, headers=agent)
    receipt = await post.come(letter("Three", In_Reply_To=f"<{first}@helpers.example>"))
    assert receipt["tickets"] == [{"ticket_id": second, "action": "notified"}]
    await client.post(f"/v1/tickets/{second}/status", json={"status": "closed", "message": "Bye"}, headers=agent)
    third = await post.opened(letter("Four", To=await token(post, second)))
    assert (await post.ticket(third))["follow_up_of"] == second


async def test_another_accounts_ticket_is_not_found_unless_the_hook_has_the_mails_of_all(post: Post) -> None:
    other = (await make_account(post.desk.sessions, "itil-native")).account_id
    await make_person(post.desk.sessions, other, "eve@other.example", "editor")
    theirs = letter(sender="Eve <eve@other.example>")
    mine = await post.opened(theirs)
    assert (await post.ticket(mine))["account_id"] == post.desk.account_id, "a stranger here"
    path = f"/v1/hooks/{post.desk.hook['id']}"
    for change, status in (({"accounts": "all"}, 403), ({"domains": {"other.example": other}}, 422)):
        answer = await post.desk.client.patch(path, json={"mail": change}, headers=post.desk.owner)
        assert answer.status_code == status, answer.text
    every = {"mail": {"accounts": "all", "domains": {"far.example": other}}}
    assert (await post.desk.client.patch(path, json=every, headers=post.admin)).status_code == 422
    assert (await post.desk.client.delete(path, headers=post.desk.owner)).status_code == 204
    await post.at_support(domains={"far.example": other})
    path = f"/v1/hooks/{post.desk.hook['id']}"
    own = await post.desk.client.patch(path, json={"mail": {"accounts": "own", "domains": {}}}, headers=post.admin)
    assert own.status_code == 422, "its receipts would be the account's"
    for sender in ("Eve <eve@other.example>", "Kim <kim@far.example>"):
        await post.desk.send(letter("Two", sender), "/email")
    await post.desk.process()
    rows = await fetch(post.desk.sessions, "SELECT account_id FROM tickets WHERE account_id = $1", other)
    assert len(rows) == 2
    for method, where in (("GET", path), ("GET", f"{path}/receipts"), ("DELETE", path)):
        assert (await post.desk.client.request(method, where, headers=post.desk.owner)).status_code == 404
    assert (await post.desk.get("/v1/hooks"))["items"] == []
    key = {"kind": "hook", "account_id": post.desk.account_id, "hook_id": post.desk.hook["id"]}
    assert (await post.desk.client.post("/v1/keys", json=key, headers=post.desk.owner)).status_code == 422


async def test_a_bounce_marks_the_address_support_sees_it_and_later_mails_are_held(post: Post) -> None:
    await person(post)
    ticket_id = await post.opened()
    [number] = await post.went()
    report = bounce("ana@example.com", str(number["Message-ID"]))
    forged = report.replace(number["Message-ID"].encode(), b"<ntc_01k9z3v5q8e9rbn3wz4m6t7y2g@helpers.example>")
    assert (await post.come(forged))["state"] == "ignored"
    receipt = await post.come(report)
    assert receipt["tickets"] == [{"ticket_id": ticket_id, "action": "notified"}]
    _, agent = await post.engineer()
    timeline = await post.desk.client.get(f"/v1/tickets/{ticket_id}/timeline?limit=200", headers=agent)
    [told] = [one for one in timeline.json()["items"] if one["type"] == "mail.bounced"]
    assert told["data"]["email"] == "ana@example.com"
    await post.answer(ticket_id, agent)
    assert await post.went() == []
    notices = await post.desk.client.get(f"/v1/tickets/{ticket_id}/notices", headers=agent)
    assert notices.json()["items"][-1]["state"] == "held"
    await post.come(letter("I am here", To=await token(post, ticket_id)))
    assert len(await post.went()) == 1, "whoever writes has a mailbox: what was held is sent"


@pytest.mark.parametrize(("first", "visibility"), [("", "public"), ("#note\n", "internal")])
async def test_an_engineer_answers_by_a_reply_to_their_notice(post: Post, first: str, visibility: str) -> None:
    await person(post)
    ticket_id = await post.opened()
    (_, agent), jan = await post.engineer(), "Jan <jan@support.example>"
    await post.at_support()
    await post.desk.client.post(f"/v1/tickets/{ticket_id}/assign", json={"engineer_id": None}, headers=agent)
    to = await token(post, ticket_id)
    quoted = "\n\nOn 26/11/2026 10:15, Support wrote:\n> ##- heliodesk -##\n> Accept: hd_answer_0123"
    await post.come(letter(f"{first}Forged{quoted}", jan, vouched=False, To=to))
    assert [(one["visibility"], one["kind"]) for one in await post.messages(ticket_id)] == [("internal", "automation")]
    await post.come(letter(f"{first}Which version?{quoted}", jan, To=to))
    said = (await post.messages(ticket_id))[-1]
    assert (said["visibility"], said["kind"], said["name"], said["body"]) == (
        visibility,
        "engineer",
        "Jan Kowalski",
        "Which version?",
    )
    answered = (await post.desk.get(f"/v1/tickets/{ticket_id}/deadlines"))["items"]
    states = {one["state"] for one in answered if one["metric"] == "first_response"}
    assert states == ({"met"} if visibility == "public" else {"running"})


LOG = {"Content-Type": "text/plain", "Content-Disposition": 'attachment; filename="log.txt"'}


def with_files(number: int = 1, **fields: Any) -> bytes:
    """An e-mail with so many files."""
    head, _, text = letter("See the log.", **fields).partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-", b"mime-"))]
    file = "".join(f"{name}: {value}\r\n" for name, value in LOG.items()).encode() + b"\r\nline"
    parts = [b"Content-Type: text/plain\r\n\r\n" + text, *[file] * number]
    kept.append(b'Content-Type: multipart/mixed; boundary="part"')
    return b"\r\n".join([*kept, b"", *(b"--part\r\n" + part for part in parts), b"--part--", b""])


async def test_files_of_a_mail_are_attached_to_what_it_says(post: Post, tmp_path: Path) -> None:
    await person(post)
    post.desk.sessions.kw["info"]["files"] = Settings(files_folder=tmp_path)
    ticket = await post.ticket(await post.opened(with_files()))
    [file] = ticket["attachments"]
    assert (file["name"], file["type"], file["size"], file["state"]) == ("log.txt", "text/plain", 4, "kept")
    await post.come(with_files(12, To=await token(post, ticket["id"]), Message_ID="<two@mail.example.com>"))
    [said] = await fetch(post.desk.sessions, "SELECT body, attachments FROM messages WHERE visibility = 'public'")
    assert (len(said["attachments"]), said["body"].count("Left out: log.txt")) == (10, 2)
    held = await fetch(post.desk.sessions, "SELECT DISTINCT convert_from(bytes, 'UTF8') AS text FROM file_chunks")
    assert [row["text"] for row in held] == ["line"]


@pytest.mark.parametrize("status", ["waiting_on_customer", "resolved"])
async def test_what_nobody_vouches_for_changes_nothing_on_a_ticket_and_its_engineer_is_told(
    post: Post, status: str, tmp_path: Path
) -> None:
    await person(post)
    post.desk.sessions.kw["info"]["files"] = Settings(files_folder=tmp_path)
    ticket_id = await post.opened()
    engineer_id, agent = await post.engineer()
    path, client = f"/v1/tickets/{ticket_id}", post.desk.client
    await client.post(f"{path}/assign", json={"engineer_id": engineer_id}, headers=agent)
    await client.post(f"{path}/status", json={"status": status, "message": "Does it work?"}, headers=agent)
    await post.went()

    async def state() -> Any:
        return (await post.ticket(ticket_id))["status"], await post.desk.get(f"{path}/deadlines")

    before, to = await state(), await token(post, ticket_id)
    await post.come(with_files(vouched=False, To=to))
    assert await state() == before
    said = (await post.desk.get(f"{path}/messages"))["items"][-1]
    assert (said["author"]["unconfirmed"], said["visibility"], said["attachments"]) == (True, "public", [])
    assert said["body"] == "See the log.\n\nLeft out: log.txt (text/plain, 4 bytes)"
    to_ana, to_jan = sorted(await post.went(), key=lambda mail: str(mail["To"]))
    assert (to_ana["To"], to_jan["To"], to_jan["Reply-To"]) == ("ana@example.com", "jan@support.example", to)
    assert to_jan["Subject"].startswith("Please look at a message: its sender is not confirmed")
    for key, number in ((agent, 1), (post.desk.owner, 0)):
        timeline = (await client.get(f"{path}/timeline?limit=200", headers=key)).json()["items"]
        assert len([one for one in timeline if one["type"] == "message.unconfirmed"]) == number
    await post.come(with_files(To=to))
    assert (await state())[0] == "open"
    assert (await post.desk.get(f"{path}/messages"))["items"][-1]["attachments"][0]["name"] == "log.txt"


async def test_files_of_whom_nobody_vouches_for_are_only_named(post: Post, tmp_path: Path) -> None:
    post.desk.sessions.kw["info"]["files"] = Settings(files_folder=tmp_path)
    ticket = await post.ticket(await post.opened(with_files(vouched=False)))
    assert (ticket["attachments"], "Left out: log.txt" in ticket["description"]) == ([], True)
    assert await fetch(post.desk.sessions, "SELECT FROM files") == []
