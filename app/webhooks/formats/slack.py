"""A message for a Slack incoming webhook. Pure.

Limits and escapes: https://docs.slack.dev/reference/block-kit/composition-objects/text-object (3,000 characters),
https://docs.slack.dev/messaging/formatting-message-text (&, < and > are all that is to be escaped). What people wrote
stands in ``plain_text``, where nothing is formatted, linked or mentioned; our own words in ``mrkdwn``.
"""

from collections.abc import Iterator
from typing import Any, Final

from app.webhooks.formats.message import Message, details, fit

MAX_TEXT: Final = 3_000
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack(message: Message) -> dict[str, Any]:
    """The body: ``text`` for notifications, and blocks."""
    summary = " · ".join([message.sentence, *message.lines[:1]])
    return {
        "text": fit(summary, MAX_TEXT, _escape),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": list(_blocks(message)),
    }


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield {"type": "section", "text": _own_words(f"*{fit(message.sentence, MAX_TEXT - 2, _escape)}*")}
    written = details(message, MAX_TEXT, _escape)
    if written:
        yield {"type": "section", "text": {"type": "plain_text", "text": written, "emoji": False}}
    link = [f"<{_escape_all(message.link.url)}|{_escape_all(message.link.text)}>"] if message.link else []
    yield {"type": "context", "elements": [_own_words(text) for text in [_escape_all(message.footer), *link]]}


def _own_words(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escape(character: str) -> str:
    return _ESCAPES.get(character, character)


def _escape_all(text: str) -> str:
    return "".join(map(_escape, text))
