"""How much one mail repeats of what people have written."""

from typing import Any

import pytest

from app.mail.letters import Gathered, letters

LINES = "A\n" * 4_000
ANA = {"name": "Ana", "email": "ana@example.com"}


def message(body: str) -> dict[str, Any]:
    author = {"kind": "engineer", "name": "Tom"}
    data = {"message_id": "msg_1", "author": author, "body": body, "truncated": False}
    own = {"id": "evt_1", "type": "message.posted", "audience": "public", "actor": author}
    return own | {"timestamp": "2026-11-02T09:00:00Z", "data": data}


@pytest.mark.parametrize("body", [LINES, "A" * 8_000, "A\u2028" * 4_000])
def test_the_longest_texts_of_many_are_cut_and_the_others_are_whole(body: str) -> None:
    gathered = Gathered("acc_1", ANA, [], [message("Short."), *(message(body) for _ in range(19))], answered=True)
    [told] = letters(gathered, ["answers"])
    first, *others = [entry["data"] for entry in told.letter["entries"]]
    assert (first["body"], first["truncated"]) == ("Short.", False)
    assert len(others) == 19
    assert all(other["truncated"] and body.startswith(other["body"]) for other in others)
    assert sum(len(other["body"]) + 10 * len(other["body"].splitlines()) for other in others) <= 40_000


def test_a_text_that_begins_with_blanks_is_cut_to_its_words() -> None:
    body = "\n" * 500 + "\t" * 500 + LINES
    [told] = letters(Gathered("acc_1", ANA, [], [message(body)] * 20, answered=True), ["answers"])
    for entry in told.letter["entries"]:
        assert entry["data"]["truncated"]
        assert entry["data"]["body"].startswith("A\nA")


def test_a_long_text_alone_is_whole() -> None:
    [told] = letters(Gathered("acc_1", ANA, [], [message("A" * 8_000)], answered=True), ["answers"])
    assert told.letter["entries"][0]["data"] == message("A" * 8_000)["data"]
