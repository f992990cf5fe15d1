"""Messages that somebody has made to do harm: each is taken, and does none."""

from base64 import b64encode
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from app.core.pieces import Pieces
from app.core.problems import TooLong
from app.core.settings import Settings
from app.inbound.mail.deciding import MOST_SAID, internal_in
from app.inbound.mail.parts import MOST_TEXT, bytes_of, text_of
from app.inbound.mail.reading import fingerprint, read_as_it_is, read_mail, read_pieces
from app.inbound.mail.senders import is_authentic
from app.inbound.readings import RawMail
from tests.inbound.mail.conftest import Post, person, token
from tests.inbound.mail.letters import BOB, GATEWAY, letter
from tests.support.desk import fetch

_DEEP = "<p>Above</p>" + "<b>" * 3_000 + "It is 3.2."
_PART = "--x\nContent-Type: image/{}\nContent-Disposition: attachment; filename={}\n\nx\n"
HOSTILE: dict[str, bytes] = {
    "comments in comments": letter(To="(" * 3_000),
    "a sender in comments": letter(sender="(" * 3_000),
    "results in comments": letter(Authentication_Results=f"{GATEWAY}; " + "(" * 5_000),
    "nul in an id": letter(Message_ID="<a\0b@c.example>", In_Reply_To="<d\0@e.example>"),
    "nul in a type": letter(Content_Type="image/p\0ng"),
    "half of a character": letter("\\ud800", Content_Type="text/plain; charset=unicode_escape"),
    "half of a character in utf-7": letter("+2AA-", Content_Type="text/plain; charset=utf-7"),
    "broken base64 in a subject": letter(Subject="=?utf-8?B?abcde?="),
    "a parameter of nobody's": letter(Content_Type="text/plain; name*=x'y"),
    "parts with long names, and a long text": letter(
        "--x\n\n" + "y" * 60_000 + "\n" + "".join(_PART.format("z" * 90, "n" * 200) for _ in range(30)) + "--x--",
        Content_Type="multipart/mixed; boundary=x",
        vouched=False,
    ),
    "blanks that are no base64": letter(" " * 500_000 + "!", Content_Transfer_Encoding="base64"),
    "a name that becomes longer": letter(sender="\ufb2c" * 200 + " <b@c.example>"),
    "an address longer than a name": letter(sender=f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 40}.example"),
    "a page nested too deep": letter(_DEEP, Content_Type="text/html"),
}


async def test_each_is_taken_and_those_after_it_are_too(post: Post) -> None:
    await person(post)
    for name, raw in HOSTILE.items():
        answer = await post.desk.send(raw, "/email")
        assert answer.status_code == 202, (name, answer.text)
    await post.desk.process()
    states = {row["id"]: row["error"] for row in await fetch(post.desk.sessions, "SELECT id, error FROM receipts")}
    assert list(states.values()) == [None] * len(HOSTILE)
    told = [ticket["description"] for ticket in await post.desk.tickets()]
    assert any("Left out: 10 further parts" in each and len(each) <= 50_000 for each in told)
    assert any("It is 3.2." in each and "Above" in each for each in told)


async def test_a_message_that_takes_for_ever_is_taken_as_it_stands() -> None:
    class Slow:
        async def run(self, _owner: str, function: Any, *arguments: Any, **_: bool) -> Any:
            if function is read_pieces:
                raise TooLong
            return function(*arguments)

    raw = letter("It is 3.2.", X="y" * 2**19)
    mail = await RawMail(Pieces.of(raw)).slowly(Slow(), "acc")  # type: ignore[arg-type]  # as far as it is needed
    assert (mail.text, mail.answer, mail.fingerprint) == ("It is 3.2.", "", read_mail(raw).fingerprint)
    assert [(part.type, part.content.whole()) for part in mail.parts] == [("message/rfc822", raw)]


def test_a_header_is_looked_at_as_far_as_a_program_writes_one() -> None:
    raw = letter(a="b\r\na: b" * 50_000)
    assert fingerprint(Pieces.of(raw)) == read_mail(raw).fingerprint == read_as_it_is(raw).fingerprint


@pytest.mark.parametrize(
    "body", ["", "x" * 65_535 + "\n" + "y" * 65_534 + "\n\nz", " \n" * 70_000 + "z" + "\n" * 140_000]
)
def test_a_message_is_known_whatever_its_line_ends_and_the_blanks_around_it(body: str) -> None:
    raw = letter(body, Message_ID="<once@mail.example.com>")
    same = (raw.replace(b"\r\n", b"\n"), raw + b"\r\n " * 3, b"Received: by mx.helpers.example\r\n" + raw)
    assert {fingerprint(Pieces.of(each)) for each in same} == {fingerprint(Pieces.of(raw))}
    assert fingerprint(Pieces.of(raw + b"!")) != fingerprint(Pieces.of(raw))


@pytest.mark.parametrize("front", [b"\xef\xbb\xbf", b"\r\n" * 2, b"\n" * 3, b"\xef\xbb\xbf\r\n\n", b"\r\n" * 70_000])
def test_a_message_is_the_same_whatever_programs_have_put_before_its_header(front: bytes) -> None:
    plain = b"Message-ID: <once@mail.example.com>\r\n" + letter(Message_ID="")
    raw, known = front + plain, fingerprint(Pieces.of(plain))
    assert fingerprint(Pieces.of(raw)) == known
    for mail in (read_mail(raw), read_as_it_is(raw)):
        assert (mail.fingerprint, mail.message_id) == (known, "once@mail.example.com")
        assert (mail.subject, mail.sender, mail.text) == ("Backups fail", read_mail(plain).sender, "It is 3.2.")
    assert read_as_it_is(raw).parts[0].content.whole() == raw


def test_a_text_that_is_too_long_is_a_file() -> None:
    mail = read_mail(letter("x" * (MOST_TEXT + 1)))
    assert (len(mail.text), mail.parts[0].name, mail.parts[0].size) == (MOST_TEXT, "e-mail.txt", MOST_TEXT + 1)


def test_what_nobody_sees_is_no_part_of_a_name() -> None:
    sender = read_mail(letter(sender="=?utf-8?b?4oCuYW5B?= <ana@example.com>")).sender
    assert sender
    assert sender.name == "anA"


@pytest.mark.parametrize(
    ("fields", "domain", "expected"),
    [
        ([f"{GATEWAY}; dmarc=pass header.from=xn--bcher-kva.example"], "bücher.example", True),
        (
            [f'{GATEWAY}; spf=fail smtp.mailfrom="a b"@x y; ;;=', f"{GATEWAY}; dmarc=pass header.from=a.example"],
            "",
            False,
        ),
        ([f"{GATEWAY}; " + "(" * 5_000, f"{GATEWAY}; dmarc=pass header.from=a.example"], "a.example", False),
        ([f"mx.evil.example; dmarc=pass header.from=a.example ({GATEWAY})"], "a.example", False),
    ],
)
def test_only_what_the_gateway_says_vouches(fields: list[str], domain: str, *, expected: bool) -> None:
    assert is_authentic(fields, GATEWAY, domain or "a.example") is expected


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("#note\nHe is wrong", "He is wrong"),
        ("\ufeff#Note: he is wrong", "he is wrong"),
        ("\u200b# note he is wrong\nagain", "he is wrong\nagain"),
        ("*#note*\n\nx", "x"),
        ("#notebook\nx", None),
        ("See #note", None),
        ("", None),
    ],
)
def test_whatever_begins_like_a_note_is_one(answer: str, note: str | None) -> None:
    assert internal_in(answer) == note


async def test_what_an_engineer_answers_goes_out_without_what_it_answers(post: Post, tmp_path: Path) -> None:
    post.desk.sessions.kw["info"]["files"] = Settings(files_folder=tmp_path)
    await person(post)
    ticket_id = await post.opened()
    engineer_id, _ = await post.engineer()
    await post.come(letter("Forged", "Jan <jan@support.example>", To=await token(post, ticket_id)))
    assert [one["visibility"] for one in await post.messages(ticket_id)] == ["internal"], (
        "at the customer's own gateway"
    )
    await post.at_support()
    jan, to = "Jan <jan@support.example>", await token(post, ticket_id)
    inner = letter("Internal", Subject="P1: nobody has slept", vouched=False).decode()
    others = "".join(_PART.format("png", name) for name in ("a.png", "WINMAIL.DAT", "P1.msg"))
    body = f"--x\n\nTry this.\n--x\nContent-Type: message/rfc822\n\n{inner}\n{others}--x--"
    await post.come(letter(body, jan, To=to, Content_Type="multipart/mixed; boundary=x"))
    [_, said] = await post.messages(ticket_id)
    assert (said["visibility"], said["kind"], "slept" in said["body"]) == ("public", "engineer", False)
    assert [row["name"] for row in await fetch(post.desk.sessions, "SELECT name FROM files")] == ["a.png"]
    left = await post.desk.client.patch(f"/v1/engineers/{engineer_id}", json={"active": False}, headers=post.admin)
    assert left.status_code == 200, left.text
    await post.come(letter("I was here", jan, To=to))
    assert [one["visibility"] for one in await post.messages(ticket_id)] == ["internal", "public", "internal"]


async def test_two_robots_that_follow_one_ticket_come_to_an_end(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inbound.mail.deciding.MOST_SAID", 2)
    assert MOST_SAID > 2
    await person(post)
    ticket_id = await post.opened()
    for number in range(4):
        await post.come(letter(f"Got {number}", To=await token(post, ticket_id)))
    assert [one["visibility"] for one in await post.messages(ticket_id)] == ["public"] * 2 + ["internal"] * 2


async def test_whom_nobody_vouches_for_counts_as_one_whatever_their_names(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inbound.mail.deciding.MOST_SAID", 2)
    await person(post)
    to = await token(post, await post.opened())
    for name in ("a", "b", "c"):
        await post.come(letter("Mine", f"{name}@forged.example", vouched=False, To=to))
    await post.come(letter("Mine", To=to))
    rows = await fetch(post.desk.sessions, "SELECT visibility FROM messages ORDER BY sequence")
    assert [row["visibility"] for row in rows] == ["public", "public", "internal", "public"]


async def test_the_link_by_which_an_engineer_answers_an_alert_reaches_no_customer(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They reply from an address by which nobody knows them."""
    await person(post)
    ticket_id = await post.opened()
    home = letter("I take it: https://desk.example/a/hd_answer_0123", BOB, To=await token(post, ticket_id))
    await post.come(home)
    [note] = await post.messages(ticket_id)
    assert (note["visibility"], "not known on this ticket" in note["body"]) == ("internal", False)
    receipt = await post.come(letter("I take it: https://desk.example/a/hd_answer_0123", BOB))
    assert (receipt["tickets"], receipt["state"]) == ([], "ignored")
    assert len(await post.desk.tickets()) == 1
    monkeypatch.setattr("app.inbound.mail.deciding.MOST_NOTES", 1)
    await post.come(letter("And: hd_answer_0123", BOB, To=await token(post, ticket_id)))
    assert len(await post.messages(ticket_id)) == 1


@pytest.mark.parametrize(
    "content",
    [
        "%PDF-1.7\n\xe2\xe3\xcf\xd3\n",
        "Gr\xfc\xdfe, 3.2",
        "Hello\n\nIt is 3.2.",
        "Hola\nAna\n",
        "Hi2\rAna",
        "Test",
        "OK",
    ],
)
def test_what_is_falsely_called_base64_keeps_its_bytes(content: str) -> None:
    head = letter("", Content_Type="text/plain; charset=iso-8859-1", Content_Transfer_Encoding="base64")
    raw = content.encode("latin-1")
    entity = message_from_bytes(head + raw)
    assert (bytes_of(entity), text_of(entity)) == (raw, content.replace("\r", "\n"))


@pytest.mark.parametrize("width", [4, 50, 57, 76, 10_000])
def test_what_is_base64_is_read_as_such_however_wide(width: int) -> None:
    text = "It is 3.2, and nothing else. " * 9
    coded = b64encode(text.encode()).decode()
    body = "\n".join(coded[start : start + width] for start in range(0, len(coded), width))
    for each, said in (
        (body, text),
        (f"\n{body}\n\n--\nA list's footer", text),
        ("WWVz", "Yes"),
        ("SGk=", "Hi"),
        ("SGk", "Hi"),
        ("Tmll", "Nie"),
        ("RGEK", "Da"),
        ("RGEKRGEK\n\n--\nA list's footer", "Da\nDa"),
    ):
        assert text_of(message_from_bytes(letter(each, Content_Transfer_Encoding="base64"))).startswith(said)


async def test_a_message_id_that_another_account_uses_again_leads_nobody_there(post: Post) -> None:
    """The first message of an id counts, whoever sends a second one."""
    await person(post)
    first = await post.opened(letter(Message_ID="<known@mail.example.com>"))
    await post.opened(letter("Mine", "Eve <eve@evil.example>", Message_ID="<known@mail.example.com>"))
    receipt = await post.come(letter("More", In_Reply_To="<known@mail.example.com>"))
    assert [one["ticket_id"] for one in receipt["tickets"]] == [first]


async def test_where_everybody_can_post_nobody_is_vouched_for(post: Post) -> None:
    await post.desk.change(422, signature={"scheme": "none"})
    await post.desk.change(signature={"scheme": "none"}, mail={"authserv_id": None})
    await post.desk.change(422, mail={"authserv_id": GATEWAY})
