"""The documented shapes of what the chats take, as JSON schemas.

Slack: https://docs.slack.dev/reference/block-kit/blocks (50 blocks; section and context; text objects of 3,000
characters). Google Chat: https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages and
.../cards. Teams: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors (the message around a
card), https://adaptivecards.io/schemas/1.2.0/adaptive-card.json (RichTextBlock, TextRun, Action.OpenUrl).
"""

from typing import Any

Json = dict[str, Any]


def _object(*required: str, **properties: Any) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }


def _list(items: Json, most: int, least: int = 1) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 3_000}
HTTPS: Json = {"type": "string", "pattern": r"^https://[^\s<>|\"\\]+$"}
_PLAIN = _object("type", "text", type={"const": "plain_text"}, text=TEXT, emoji={"type": "boolean"})
_MRKDWN = _object("type", "text", type={"const": "mrkdwn"}, text=TEXT, verbatim={"const": True})
_ANY_TEXT: Json = {"oneOf": [_PLAIN, _MRKDWN]}
_SECTION = _object("type", "text", type={"const": "section"}, text=_ANY_TEXT)
_CONTEXT = _object("type", "elements", type={"const": "context"}, elements=_list(_ANY_TEXT, 10))
SLACK = _object(
    "text",
    "blocks",
    text={"type": "string", "minLength": 1, "maxLength": 4_000},
    blocks=_list({"oneOf": [_SECTION, _CONTEXT]}, 50),
    mrkdwn={"const": False},
    unfurl_links={"const": False},
    unfurl_media={"const": False},
)

_CARD_TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 4_096}
_OPEN = _object("openLink", openLink=_object("url", url=HTTPS))
_BUTTON = _object("text", "onClick", text=_CARD_TEXT, onClick=_OPEN)
_WIDGET: Json = {
    "oneOf": [
        _object("textParagraph", textParagraph=_object("text", text=_CARD_TEXT)),
        _object("buttonList", buttonList=_object("buttons", buttons=_list(_BUTTON, 10))),
    ]
}
_SECTIONS = _list(_object("widgets", widgets=_list(_WIDGET, 100)), 100)
GOOGLE_CHAT = _object(
    "text",
    "cardsV2",
    text=_CARD_TEXT,
    cardsV2=_list(
        _object("cardId", "card", cardId={"type": "string"}, card=_object("sections", sections=_SECTIONS)), 1
    ),
)

_RUN = _object(
    "type",
    "text",
    type={"const": "TextRun"},
    text={"type": "string", "minLength": 1},
    weight={"enum": ["default", "lighter", "bolder"]},
    size={"enum": ["default", "small", "medium", "large", "extraLarge"]},
    isSubtle={"type": "boolean"},
)
_RICH = _object("type", "inlines", type={"const": "RichTextBlock"}, inlines=_list(_RUN, 1))
_ACTION = _object("type", "title", "url", type={"const": "Action.OpenUrl"}, title={"type": "string"}, url=HTTPS)
_CARD = _object(
    "type",
    "version",
    "body",
    **{"$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"}},
    type={"const": "AdaptiveCard"},
    version={"const": "1.2"},
    fallbackText={"type": "string", "minLength": 1},
    body=_list(_RICH, 60),
    actions=_list(_ACTION, 1),
)
_ATTACHMENT = _object(
    "contentType",
    "content",
    contentType={"const": "application/vnd.microsoft.card.adaptive"},
    contentUrl={"type": "null"},
    content=_CARD,
)
TEAMS = _object("type", "attachments", type={"const": "message"}, attachments=_list(_ATTACHMENT, 1))

SHAPES = {"slack": SLACK, "google_chat": GOOGLE_CHAT, "teams": TEAMS}
MOST_BYTES = {"slack": 32_000, "google_chat": 32_000, "teams": 28_000}
"""Of the whole body. Google Chat and Teams say so; for Slack it is what its texts can come to."""
