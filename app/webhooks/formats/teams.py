"""A message for a Microsoft Teams workflow (*When a Teams webhook request is received*). Pure.

The limit: https://learn.microsoft.com/connectors/teams (about 28 KB). A ``RichTextBlock`` knows no Markdown
(https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features), so what people wrote needs no escape in it;
it is of version 1.2, and each of its blocks is one line.
"""

from collections.abc import Iterator
from typing import Any, Final

from app.webhooks.formats.message import Message, details

MAX_TEXT: Final = 6_000
"""UTF-16 units of what people wrote: at most 18 KB of UTF-8, or 12 KB of UTF-16."""
MAX_LINES: Final = 40
"""Lines, of 100 bytes or so of JSON around each."""


def teams(message: Message) -> dict[str, Any]:
    """The body: one Adaptive Card."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": message.sentence,
        "body": list(_body(message)),
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": message.link.text, "url": message.link.url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _body(message: Message) -> Iterator[dict[str, Any]]:
    yield _line(message.sentence, weight="bolder", size="medium")
    written = details(message, MAX_TEXT).split("\n")
    for line in filter(None, [*written[:MAX_LINES], "…" if len(written) > MAX_LINES else ""]):
        yield _line(line)
    yield _line(message.footer, size="small", isSubtle=True)


def _line(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
