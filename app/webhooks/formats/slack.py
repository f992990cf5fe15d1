"""A message for a Slack incoming webhook. Pure.

Limits and escapes: https://docs.slack.dev/reference/block-kit/composition-objects/text-object (3,000 characters),
https://docs.slack.dev/messaging/formatting-message-text (&, < and > are all that is to be escaped). What people wrote
stands in ``plain_text``, where nothing is formatted, linked or mentioned; our own words in ``mrkdwn``.
"""

from collections.abc import Iterator
from typing import Any, Final

from app.webhooks.formats.message import Message, details, fit

MAX_TEXT: Final = 3_000
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def slack(message: Message) -> dict[str, Any]:
    """The body: ``text`` for notifications, and blocks."""
    summary = " · ".join([message.sentence, *message.lines[:1]])
    return {
        "text": fit(summary, MAX_TEXT, _ESCAPES),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": list(_blocks(message)),
    }


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield {"type": "section", "text": _own_words(f"*{fit(message.sentence, MAX_TEXT - 2, _ESCAPES)}*")}
    written = details(message, MAX_TEXT, _ESCAPES)
    if written:
        yield {"type": "section", "text": {"type": "plain_text", "text": written, "emoji": False}}
    link = message.link
    told = [message.footer.translate(_ESCAPES)]
    told += [f"<{link.url.translate(_ESCAPES)}|{link.text.translate(_ESCAPES)}>"] if link else []
    yield {"type": "context", "elements": [_own_words(text) for text in told if len(text) <= MAX_TEXT]}


def _own_words(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
