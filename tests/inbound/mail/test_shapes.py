"""Whatever is sent is read, and nothing of it is lost."""

import orjson
import pytest

from app.inbound.mail.parts import MOST_PARTS
from app.inbound.mail.reading import read_mail
from tests.inbound.mail.conftest import Post
from tests.inbound.mail.letters import letter
from tests.inbound.mail.odd import NOBODYS, ODD
from tests.inbound.mail.shapes import SHAPES
from tests.support.actors import make_person
from tests.support.desk import fetch

_FOUND = """
SELECT r.state, r.body, r.error, t.title, t.description, t.attachments::text FROM receipts AS r
LEFT JOIN tickets AS t ON t.account_id = r.account_id AND t.id = r.tickets -> 0 ->> 'ticket_id'
WHERE r.id = $1
"""


async def test_sixty_messages_give_no_error_and_lose_nothing(post: Post) -> None:
    assert len(SHAPES) >= 40
    await make_person(post.desk.sessions, post.desk.account_id, "ana@example.com", "editor")
    receipts, shapes = {}, SHAPES | ODD
    for name, shape in shapes.items():
        answer = await post.desk.send(shape.raw, "/email")
        assert answer.status_code == 202, (name, answer.text)
        receipts[name] = answer.json()["receipt_id"]
    await post.desk.process()
    for name, shape in shapes.items():
        [row] = await fetch(post.desk.sessions, _FOUND, receipts[name])
        assert (row["state"], row["error"]) == ("processed", None), name
        assert bytes(row["body"]) == shape.raw, name
        assert shape.text in row["description"], (name, row["description"])
        assert row["title"].startswith(shape.title), (name, row["title"])
        for part in shape.parts:
            assert part in orjson.dumps(orjson.loads(row["attachments"] or "[]")).decode(), (name, part)


@pytest.mark.parametrize("name", sorted(NOBODYS))
async def test_what_nobody_has_written_stays_in_its_receipt_with_the_reason(post: Post, name: str) -> None:
    receipt = await post.come(NOBODYS[name])
    assert (receipt["state"], receipt["error"], len(receipt["omissions"])) == ("ignored", None, 1)
    assert receipt["payload"] == NOBODYS[name].decode()


async def test_more_than_25_mb_is_refused(post: Post) -> None:
    answer = await post.desk.send(b"x" * (25 * 1024 * 1024 + 1), "/email")
    assert answer.status_code == 413
    assert (await post.desk.send(b"x" * (1024 * 1024 + 1), "")).status_code == 413


def test_no_nesting_is_too_deep() -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(2_000))
    mail = read_mail(letter().partition(b"Content-Type")[0] + deep + b"\r\nIt is 3.2.")
    assert "It is 3.2." in mail.text
    wide = b"".join(b"--x\r\n\r\n%d\r\n" % n for n in range(MOST_PARTS * 2))
    head = letter(Content_Type="multipart/mixed; boundary=x").partition(b"\r\n\r\n")[0]
    assert "999" in read_mail(head + b"\r\n\r\n" + wide).text
