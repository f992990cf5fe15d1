import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.core.db.tables import Row
from app.core.text.language import LANGUAGES, Language
from app.core.text.messages import authored
from app.events.example_data import CALL_LINK
from app.events.examples import event_example
from app.events.types import EVENTS
from app.events.types.data import EventData
from app.plans.document.naming import Names
from app.webhooks.formats.bodies import Form, Format, make_body
from app.webhooks.formats.message import clean, fit, units
from tests.webhooks.formats.shapes import MOST_BYTES, SHAPES

CHATS: tuple[Format, ...] = ("slack", "google_chat", "teams")
AT = datetime(2026, 11, 20, 20, 45, tzinfo=UTC)
MEAN = (
    "<!channel> <!here> <@U024BE7LH> <users/all> <at>everyone</at> @channel &lt;!here&gt;\n"
    "*bold* _it_ ~no~ `code` ```block``` > quote\n[safe](https://evil.example) <https://evil.example|safe>\n"
    "<b>bold</b><br><a href='https://evil.example'>safe</a> {{DATE(2026-11-20T20:45:00Z)}} \u202etxt.exe"
)


def row(kind: str, **data: Any) -> Row:
    told = event_example(kind)
    stub = {"number": "K7M-3QP", "title": data.get("title", "No backup"), "priority": "P1"}
    return {**told, "timestamp": AT, "data": told["data"] | data, "ticket": stub}


def body(chat: Format, event: Row, language: Language = "en") -> Any:
    made = make_body(Form(chat, language, None, internal=True), event)
    assert len(made) <= MOST_BYTES[chat]
    document = json.loads(made)
    assert [error.message for error in Draft202012Validator(SHAPES[chat]).iter_errors(document)] == []
    return document


def texts(document: Any, member: str = "text") -> Iterator[str]:
    """All texts in it."""
    if isinstance(document, dict):
        yield from (value for name, value in document.items() if name == member and isinstance(value, str))
    for part in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from texts(part, member)


def seen(chat: Format, document: Any) -> str:
    """What a person reads, its escapes resolved as the chat does."""
    joined = "\n".join(texts(document))
    return joined if chat == "teams" else html.unescape(joined.replace("<br>", "\n"))


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_event_has_the_documented_shape_in_every_language(chat: Format, event: type[EventData]) -> None:
    for language in LANGUAGES:
        said = seen(chat, body(chat, row(event.type), language))
        assert " UTC" in said, language
        assert "K7M-3QP" in said, language


@pytest.mark.parametrize("chat", CHATS)
def test_an_event_of_no_ticket_is_told_without_one(chat: Format) -> None:
    document = body(chat, {**row("webhook.test"), "ticket": None})
    assert "None" not in json.dumps(document)


@pytest.mark.parametrize("chat", CHATS)
def test_a_missed_deadline_says_what_where_and_when(chat: Format) -> None:
    said = seen(chat, body(chat, row("deadline.missed"), "es"))
    assert "Primera respuesta: plazo incumplido" in said
    assert "K7M-3QP (P1): No backup" in said
    assert "Vence: viernes, 20 de noviembre de 2026 a las 20:45 UTC" in said


@pytest.mark.parametrize("chat", CHATS)
def test_a_priority_has_the_name_that_its_plan_gives_it(chat: Format) -> None:
    names = Names(priorities={"P1": authored({"en": "Urgent", "es": "Urgente"})})
    opened = row("ticket.opened", priority="P1")
    said = seen(chat, json.loads(make_body(Form(chat, "es", None, internal=True), opened, names)))
    assert "Nuevo ticket, prioridad Urgente" in said
    assert "K7M-3QP (Urgente): No backup" in said
    assert "P1" not in said


@pytest.mark.parametrize("chat", CHATS)
def test_an_event_that_was_recorded_without_its_ticket_is_told_with_the_ticket_as_it_is(chat: Format) -> None:
    bare = row("deadline.missed")
    assert body(chat, {**bare, "ticket": None, "stub": bare["ticket"]}) == body(chat, bare)


@pytest.mark.parametrize("chat", CHATS)
def test_a_message_says_who_wrote_what(chat: Format) -> None:
    said = seen(chat, body(chat, row("message.posted")))
    assert "From: Jan Nowak" in said
    assert "We are on it: the lock is from a crashed agent." in said


@pytest.mark.parametrize("chat", CHATS)
def test_a_disabled_endpoint_is_named_without_what_may_be_a_secret(chat: Format) -> None:
    document = body(chat, row("webhook.disabled", url="https://hooks.slack.com/services/T0/B0/secret"))
    assert "Address: hooks.slack.com" in seen(chat, document)
    assert "secret" not in json.dumps(document)


@pytest.mark.parametrize("chat", CHATS)
def test_a_sandbox_is_said_to_be_one(chat: Format) -> None:
    assert "Sandbox" in seen(chat, body(chat, {**row("call.ended"), "sandbox": True}))
    assert "Sandbox" not in seen(chat, body(chat, row("call.ended")))


@pytest.mark.parametrize("chat", CHATS)
def test_the_calls_link_names_its_host(chat: Format) -> None:
    document = json.dumps(body(chat, row("call.ready", join_url=CALL_LINK)))
    assert CALL_LINK in document
    assert "Call: meet.google.com" in document


@pytest.mark.parametrize("chat", CHATS)
def test_a_link_with_a_token_in_it_is_whole(chat: Format) -> None:
    link = "https://meet.example/room?jwt=" + "aB3-_." * 150
    assert link in json.dumps(body(chat, row("call.ready", join_url=link)))


@pytest.mark.parametrize("chat", CHATS)
def test_a_link_cannot_end_its_own_syntax(chat: Format) -> None:
    link = 'https://meet.example/a|b>c<d"e f\\g\n'
    document = json.dumps(body(chat, row("ticket.opened", call_link=link)))
    assert "https://meet.example/a%7Cb%3Ec%3Cd%22e%20f%5Cg%0A" in document


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "http://a.example", "https:///a", "https://[a", "https://a.example/" + "a" * 2_000]
)
@pytest.mark.parametrize("chat", CHATS)
def test_what_is_no_https_address_is_no_link(chat: Format, link: str) -> None:
    document = body(chat, row("ticket.opened", call_link=link))
    assert not list(texts(document, "url"))
    assert "Call" not in seen(chat, document)


def test_slack_mentions_links_and_formats_nothing_that_people_wrote() -> None:
    document = body("slack", row("ticket.opened", title=MEAN, description=MEAN, call_link=None))
    assert not re.search(r"[<>]", "".join(texts(document)))
    assert "&amp;lt;!here&amp;gt;" in "".join(texts(document))
    own = [text["text"] for text in _objects(document, "mrkdwn")]
    assert own == ["*New ticket, priority P1*", "Friday, November 20, 2026 at 8:45 PM UTC".replace(" PM", "\u202fPM")]
    assert document["mrkdwn"] is False


def test_google_chat_shows_what_people_wrote_as_it_is() -> None:
    document = body("google_chat", row("ticket.opened", title=MEAN, description=MEAN, call_link=None))
    assert document["text"] == "New ticket, priority P1"
    assert set(re.findall(r"<[^>]*>", "".join(texts(document)))) == {"<br>"}
    assert "<b>bold</b>" in html.unescape("".join(texts(document)))


def test_teams_shows_what_people_wrote_where_no_markdown_is_known() -> None:
    document = body("teams", row("ticket.opened", title=MEAN, description=MEAN, call_link=None))
    (attachment,) = document["attachments"]
    assert {block["type"] for block in attachment["content"]["body"]} == {"RichTextBlock"}
    assert "[safe](https://evil.example) <https://evil.example|safe>" in list(texts(document))


@pytest.mark.parametrize("chat", CHATS)
def test_the_direction_of_a_text_stays(chat: Format) -> None:
    assert "\\u202e" not in json.dumps(body(chat, row("ticket.opened", title=MEAN, description=MEAN)))


WORST = ["x", "z\n", "&", "<", "\\", '"', "\n", "ż", "語", "𝄞", "\t", "\x01", "'"]


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("character", WORST)
def test_the_longest_texts_are_cut_within_the_limits(chat: Format, character: str) -> None:
    long = "a" + character * 8_000
    data = {"description": long, "business_impact": long, "priority_reason": long, "title": long}
    link = "https://" + "m" * 63 + ".example/" + "&" * 1_900
    said = seen(chat, body(chat, row("ticket.opened", **data, call_link=link)))
    if character not in "\n\t\x01":
        assert said.count("…") >= 4


@pytest.mark.parametrize("chat", CHATS)
@given(text=st.text(max_size=6_000), title=st.text(max_size=600))
@example(text="&" * 6_000, title="<" * 600)
def test_whatever_people_write_is_shown_and_breaks_out_of_nothing(chat: Format, text: str, title: str) -> None:
    document = body(chat, row("message.posted", body=text, author={"kind": "customer", "name": title}))
    if chat == "slack":
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", "".join(texts(document)))
    if chat == "google_chat":
        assert not re.search(r"<(?!br>)|&(?!amp;|lt;|gt;|quot;|#x27;)", "".join(texts(document)))


@given(text=st.text(), limit=st.integers(1, 60))
def test_a_text_fits_and_is_a_beginning(text: str, limit: int) -> None:
    cut = fit(text, limit, str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}))
    assert units(cut) <= limit
    assert cut == html.escape(text) or (cut.endswith("…") and text.startswith(html.unescape(cut[:-1])))


def test_control_characters_are_spaces_and_line_ends_are_one_kind() -> None:
    assert clean("a\x00b\tc\r\nd\re\x7f") == "a b c\nd\ne "


def _objects(document: Any, kind: str) -> Iterator[Any]:
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    if isinstance(document, dict) and document.get("type") == kind:
        yield document
    for part in parts:
        yield from _objects(part, kind)
