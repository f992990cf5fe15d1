"""The link by which an engineer answers an alert: whatever it is in, and however it is written, customers get none."""

from base64 import b64encode, encodebytes
from pathlib import Path
from quopri import encodestring

import pytest

from app.core.settings import Settings
from app.inbound.mail.links import holds_link
from tests.inbound.mail.conftest import Post, person, token
from tests.inbound.mail.letters import letter
from tests.support.desk import fetch

_URL = "https://desk.example/a/hd_answer_0123456789abcdef0123456789abcdef01234567"
_SAID = f"Take it: {_URL} or not"


def _wrapped(text: bytes, width: int, end: bytes) -> bytes:
    return end.join(text[start : start + width] for start in range(0, len(text), width))


@pytest.mark.parametrize("width", [3, 7, 31, 76])
def test_it_is_known_however_it_is_wrapped_or_coded(width: int) -> None:
    said = _SAID.encode()
    for end in (b"\n", b"\r\n> ", b"=\r\n", b" \n\t", b"\xe2\x80\x8b"):
        assert holds_link(_wrapped(said, width, end)), end
    for before in range(3):
        assert holds_link(_wrapped(b64encode(b"x" * before + said), width, b"\r\n"))
    assert holds_link(said.decode().encode("utf-16-be"))
    assert holds_link(encodestring(said.replace(b"_", b"\xc3\xa9_")).replace(b"=C3=A9_", b"=5F"))


_WRITTEN = (
    *("hd%5Fanswer%5f1", "hd%255Fanswer%255F", "%68%2564_answer_", "hd-5Fanswer-5F1", "/A/HD_ANSWER_1"),
    *("hd&#95;answer&#x5F;x", "hd&lowbar;answer_1", "hd&#95answer&#x5Fx", "hd&lowbaranswer&#0095x"),
    *("hd_<b>answer_</b>", "<p\nid='x'>hd<i>_</i></p><wbr><br/>answer_", f"hd_<b {'x' * 999}>answer_"),
    *("hd_&shy;answer_", "hd_&#8203;answer_", "hd_&#x200B;&zwnj;answer_", "hd_&NoBreak;answer_"),
    *("hd_\u2060answer_", "hd_\ufeffanswer_", "hd_\xadanswer_"),
    *(r"hd\_answer\_", r"hd\u005fanswer\u005F", r"hd\x5fanswer_", "hd_\n| answer_", "> hd_<b>\n> answer_"),
    "> <https://desk.example/a/hd_\n> answer_>",
    *("hd=3D5Fanswer=3D3D5f1", "hd=3D=\n5Fanswer_", "hd_ans=3D\nwer_", "hd_ans=20\n=3E wer_", "hd_ans=E2=80=8Bwer_"),
    *(r"hd_an\nswer_", r"hd_an\r\n> swer_", r"hd_an\\nswer\\u005f", r"hd_\u200banswer_", r"hd_\u000a\u003e answer_"),
    "hd_ans%0Awer%255F",
)


@pytest.mark.parametrize("text", _WRITTEN)
def test_it_is_known_in_urls_and_html(text: str) -> None:
    assert holds_link(text)


_NONE = (
    *("", "hd_answers", "an hd answer", "had_answer_1", "aGRf", "hd-answer-1", "hd | answer | x", "hd-5-answer-5"),
    *("<b>hd</b> answer_key", "hd_<answer_>", "HD answered: _yes_", "hd%answer%", "hd&answer&", r"hd\answer\x"),
    *("hd=3Danswer=3D", r"hd\nanswer\n", "hd=20answer_", r"hd_\mnswer_"),
)


@pytest.mark.parametrize("text", _NONE)
def test_what_is_none_is_none(text: str) -> None:
    assert not holds_link(text)


def _file(name: str, content: str, *fields: str) -> str:
    head = (f'Content-Disposition: attachment; filename="{name}"', *fields)
    return "--x\n" + "\n".join(head) + f"\n\n{content}\n"


_FILES = (
    _file("clean.log", "It is 3.2."),
    _file("e-mail.txt", _SAID, "Content-Type: text/plain"),
    _file("note.txt", f"> {_URL[:32]}\n> {_URL[32:]}", "Content-Type: text/plain"),
    _file("page.html", f'<a href="{_URL}">Take it</a>', "Content-Type: text/html"),
    _file("coded.bin", encodebytes(_SAID.encode()).decode(), "Content-Transfer-Encoding: base64"),
    _file(
        "quoted.txt",
        _SAID.replace("answer", "ans=\nwer").replace("hd_", "hd=5F"),
        "Content-Transfer-Encoding: quoted-printable",
    ),
    _file("twice.txt", encodebytes(encodebytes(_SAID.encode())).decode(), "Content-Transfer-Encoding: base64"),
    _file("hd_answer_1", "A name"),
    f"--x\nContent-Type: message/rfc822\n\nSubject: Alert\n\n{_SAID}\n",
)


async def test_an_engineers_answer_goes_out_without_it(post: Post, tmp_path: Path) -> None:
    post.desk.sessions.kw["info"]["files"] = Settings(files_folder=tmp_path)
    await person(post)
    ticket_id = await post.opened()
    await post.engineer()
    await post.at_support()
    jan, to = "Jan <jan@support.example>", await token(post, ticket_id)
    body = "--x\n\nTry this.\n" + "".join(_FILES) + "--x--"
    await post.come(letter(body, jan, To=to, Content_Type="multipart/mixed; boundary=x"))
    [said] = await post.messages(ticket_id)
    assert (said["visibility"], holds_link(said["body"]), "clean.log" in said["body"]) == ("public", False, False)
    assert [row["name"] for row in await fetch(post.desk.sessions, "SELECT name FROM files")] == ["clean.log"]
    wrapped = f"I take it: {_URL[:30]}\n{_URL[30:]}"
    page = f'<p>See <a href="{_URL}">{_URL[:28]}<wbr>{_URL[28:]}</a></p>'
    for text, kind in ((wrapped, "text/plain"), (page, "text/html")):
        await post.come(letter(text, jan, To=to, Content_Type=kind))
    assert [one["visibility"] for one in await post.messages(ticket_id)] == ["public", "internal", "internal"]


@pytest.mark.parametrize("vouched", [True, False])
async def test_what_an_engineer_answers_to_a_closed_ticket_opens_none_for_its_customer(
    post: Post, *, vouched: bool
) -> None:
    await person(post)
    ticket_id = await post.opened()
    _, agent = await post.engineer()
    await post.at_support()
    path = f"/v1/tickets/{ticket_id}/status"
    await post.desk.client.post(path, json={"status": "closed", "message": "Bye"}, headers=agent)
    quoted = "Too late.\n\n> ##- heliodesk -##\n> Handed over: the customer is difficult"
    to, number = await token(post, ticket_id), (await post.ticket(ticket_id))["number"]
    await post.went()
    for _ in range(2):
        receipt = await post.come(letter(quoted, "Jan <jan@support.example>", vouched=vouched, To=to))
        assert (receipt["state"], receipt["tickets"]) == ("ignored", [])
        assert receipt["omissions"] == ["An engineer's answer to a closed ticket, which takes none"]
    went = await post.went()
    assert [mail["To"] for mail in went] == ["jan@support.example"] * vouched
    assert all(f"Ticket {number} is closed" in next(mail.iter_parts()).get_content() for mail in went)
    assert len(await post.desk.tickets()) == 1
