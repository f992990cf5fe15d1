"""A message for a Google Chat incoming webhook. Pure.

Limits and escapes: https://developers.google.com/workspace/chat/format-messages (a card's text takes a subset of HTML),
https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages (32,000 bytes in all; 4,096
characters of text). What people wrote stands in the card, as HTML; ``text``, where ``<users/all>`` would be a mention,
has our own words alone.
"""

from collections.abc import Iterator
from typing import Any, Final

from app.webhooks.formats.message import Message, details, fit

MAX_TEXT: Final = 4_096
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "<br>"})


def google_chat(message: Message) -> dict[str, Any]:
    """The body: ``text``, which is also the notification, and a card with the rest."""
    card = {"sections": [{"widgets": list(_widgets(message))}]}
    return {"text": fit(message.sentence, MAX_TEXT), "cardsV2": [{"cardId": "event", "card": card}]}


def _widgets(message: Message) -> Iterator[dict[str, Any]]:
    written = details(message, MAX_TEXT, _ESCAPES)
    if written:
        yield {"textParagraph": {"text": written}}
    yield {"textParagraph": {"text": message.footer.translate(_ESCAPES)}}
    if message.link:
        button = {"text": message.link.text, "onClick": {"openLink": {"url": message.link.url}}}
        yield {"buttonList": {"buttons": [button]}}
