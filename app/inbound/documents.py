"""What is answered about hooks and what they received."""

from typing import Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from app.core.schemas.shared import Document, Instant
from app.events.schemas import Actor
from app.inbound.mail.schemas import MailPart
from app.inbound.schemas import ACCOUNT, WRITTEN, Format, HookFields
from app.tickets.schemas import Environment

ReceiptState: TypeAlias = Literal["pending", "processed", "ignored", "silenced", "failed", "refused"]
HOOK: Final = "hook_01k9z3v5q8e9rbn3wz4m6t7y2d"
RECEIPT: Final = "rcp_01k9z3v5q8e9rbn3wz4m6t7y2d"
_STAMPS: Final = {"created_at": "2026-11-20T20:30:00Z", "updated_at": "2026-11-20T20:30:00Z"}
_HOOK: Final[dict[str, Any]] = {
    "id": HOOK,
    "account_id": ACCOUNT,
    **HookFields.model_validate(WRITTEN).model_dump(mode="json", exclude={"signature": {"secret"}}),
    "url": f"/v1/ingest/{HOOK}/alertmanager",
    "kept_bytes": 40_816,
    "refused_at": None,
    "version": 1,
    **_STAMPS,
}


class Hook(HookFields):
    """A hook, without its secrets."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_HOOK]})

    id: str
    account_id: str
    url: str = Field(description="Where its sender posts to, on this server")
    kept_bytes: int = Field(description="Bytes that its stored receipts take, headers included")
    refused_at: Instant | None = Field(
        description="When a payload was last refused with 503 because those that are kept left no room for it"
    )
    version: int
    created_at: Instant
    updated_at: Instant


class HookWithSecret(Hook):
    """A hook, with its new key or secret where one was made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_HOOK | {"secret": "hd_hook_7Qx2rT0nLr4fK1w9mZbV3cXyA5sD6gHjPq8ueW"}]}
    )

    secret: str | SkipJsonSchema[None] = Field(
        None,
        description="Its key, or the secret of its HMAC: shown this once; a replay of the request does not have it",
    )


class AcceptedPayload(Document):
    """The answer to a sender: the payload is stored, and will be processed next."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"receipt_id": RECEIPT, "duplicate": False}]})

    receipt_id: str
    duplicate: bool = Field(description="Whether this very event was received before; then it is not kept again")
    refused: str | SkipJsonSchema[None] = Field(None, description="Why nothing comes of it, where that is so")
    omissions: list[str] | SkipJsonSchema[None] = Field(
        None,
        description="What was left out and why, where something was. For a large payload, or one that takes long "
        "to read, see its receipt",
    )


class Signal(Document):
    """What one alert of a payload did."""

    key: str
    status: Literal["firing", "acknowledged", "resolved"]
    title: str
    outcome: str = Field(
        description="`started`, `restarted`, `changed`, `resolved`, `acknowledged`; without effect: `repeated`, "
        "`unknown` (nothing fires that it could end), `outdated` (something newer was heard of it), `silenced` (a "
        "maintenance window holds it back)"
    )
    ticket_id: str | None = None


_RECEIPT: Final[dict[str, Any]] = {
    "id": RECEIPT,
    "account_id": ACCOUNT,
    "hook_id": HOOK,
    "format": "alertmanager",
    "state": "processed",
    "error": None,
    "received_at": "2026-11-20T20:30:00Z",
    "processed_at": "2026-11-20T20:30:00.040000Z",
    "size": 1059,
    "maintenance_window_id": None,
    "left_out": 0,
    "omissions": [],
    "tickets": [{"ticket_id": "tkt_01k9z3v5q8e9rbn3wz4m6t7y2a", "action": "opened"}],
    "signals": [
        {
            "key": "06fde51a4bdb38c5",
            "status": "firing",
            "title": "DiskFull on h1",
            "outcome": "started",
            "ticket_id": "tkt_01k9z3v5q8e9rbn3wz4m6t7y2a",
        }
    ],
}


class TouchedTicket(Document):
    """What was done to one ticket."""

    ticket_id: str
    action: Literal["opened", "reopened", "notified", "resolved"]


class Receipt(Document):
    """One payload that a hook received, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RECEIPT]})

    id: str
    account_id: str
    hook_id: str
    format: Format
    state: ReceiptState = Field(
        description="`ignored`: nothing new; `silenced`: a maintenance window held it back; "
        "`failed`: see `error`, and process it again once the cause is fixed; "
        "`refused`: it came round in a loop of webhooks and hooks (`heliodesk-via`), see `error`"
    )
    error: str | None
    received_at: Instant
    processed_at: Instant | None
    size: int = Field(description="Bytes of the payload")
    left_out: int = Field(
        description="Alerts that were left out: the payload only counts them, they cannot be understood, or they come "
        "after the 1,000th. Of an e-mail, its parts that become no files"
    )
    omissions: list[str] = Field(
        description="What was left out of the payload, and why: the first twenty. What an e-mail carried is named to "
        "support alone"
    )
    maintenance_window_id: str | None = Field(
        description="The maintenance window that held back alerts of it: those that still fire at its end open then"
    )
    tickets: list[TouchedTicket]
    signals: list[Signal]


class ReceiptWithPayload(Receipt):
    """A receipt with its payload."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _RECEIPT
                | {
                    "headers": {"content-type": "application/json"},
                    "payload": '{"version": "4", "alerts": []}',
                    "encoding": "utf-8",
                }
            ]
        }
    )

    headers: dict[str, str] = Field(description="Those that say what the payload is; never a key or a signature")
    payload: str = Field(description="As it was received")
    encoding: Literal["utf-8", "base64"] = Field(description="How `payload` is written: base64 if it is not text")


class TriedSignal(Document):
    """What one alert of a payload is."""

    key: str
    status: Literal["firing", "acknowledged", "resolved"]
    title: str
    outcome: str
    key_from: str = Field(description="What the key was made of: a member of the payload, an expression, or a default")
    warning: str | None = Field(description="Where no later payload could resolve this alert: why, and how to fix that")
    labels: dict[str, str]


class TriedTicket(Document):
    """What would be done to one ticket."""

    action: Literal["opened", "reopened", "notified"]
    ticket_id: str | None = Field(description="null: a new one")
    resolves: bool
    title: str | None
    priority: str | None = Field(description="What its alerts ask for; a ticket is raised to it, never lowered")
    priority_source: Literal["requested", "matrix", "default"] | None
    environment: Environment | None


class TriedMail(Document):
    """What would become of an e-mail."""

    outcome: Literal["ticket", "message", "bounce", "nothing"]
    reason: str | None = Field(description="Why it is not what its sender wanted")
    account_id: str = Field(description="Whose it is: of its ticket, its sender, their domain, else of the hook")
    sender: str | None = Field(description="null: it names nobody, or several")
    authentic: bool = Field(description="Whether the gateway has found that it is from its sender's domain")
    automatic: bool = Field(description="Whether a program has written it")
    actor: Actor | None = Field(description="In whose name the ticket would have it")
    visibility: Literal["public", "internal"] | None
    text: str | None = Field(description="What its ticket would have of it: without what it quotes and a signature")
    attachments: list[MailPart] = Field(description="What would become files; what is left out, `omissions` tell")
    watchers: list[str] = Field(description="Who would follow the ticket, as they got the e-mail too")
    answer: Literal["number", "confirmation", "refusal"] | None = Field(
        description="What its sender would get; less often where they write often"
    )


class Trial(Document):
    """What a payload would do. Nothing was done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "left_out": 0,
                    "maintenance_window_id": None,
                    "omissions": [],
                    "mail": None,
                    "signals": [
                        {
                            "key": "06fde51a4bdb38c5",
                            "status": "firing",
                            "title": "DiskFull on h1",
                            "outcome": "started",
                            "key_from": "`fingerprint`",
                            "warning": None,
                            "labels": {"severity": "critical"},
                        }
                    ],
                    "tickets": [
                        {
                            "action": "opened",
                            "ticket_id": None,
                            "resolves": False,
                            "title": "DiskFull on h1",
                            "priority": "P2",
                            "priority_source": "requested",
                            "environment": "production",
                        }
                    ],
                }
            ]
        }
    )

    left_out: int
    omissions: list[str]
    maintenance_window_id: str | None = Field(description="The window that would hold back what is `silenced`")
    signals: list[TriedSignal]
    tickets: list[TriedTicket]
    mail: TriedMail | None = Field(description="Of an e-mail alone")


class EventAccepted(Document):
    """What PagerDuty answers to an event that it accepts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "success", "message": "Event processed", "dedup_key": "disk/h1"}]}
    )

    status: Literal["success"]
    message: str
    dedup_key: str = Field(description="The event's own, or one to resolve it by")


class EventRefused(Document):
    """What PagerDuty answers to an event that it does not accept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "invalid event",
                    "message": "Event object is invalid",
                    "errors": ["'payload' is missing, and trigger needs it"],
                }
            ]
        }
    )

    status: Literal["invalid event"]
    message: str
    errors: list[str]
