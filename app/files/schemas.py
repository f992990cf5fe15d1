"""What is said of files. Pure."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from app.accounts.schemas import AccountId
from app.core.schemas.shared import ActorRef, Document, Instant, Strict, id_pattern, no_nul
from app.files.rules import LONGEST_NAME, MOST, MOST_BYTES, OCTETS

FileId = Annotated[str, StringConstraints(pattern=id_pattern("fil"))]
FileIds = Annotated[list[FileId], Field(max_length=MOST)]
State = Literal["waiting", "stored", "scanning", "ready", "quarantined", "left_out"]
FILE_EXAMPLE: Final = "fil_01k9z3v5q8e9rbn3wz4m6t7y2h"
_ACCOUNT: Final = "acc_01k9w3b5t8e2r9h6x4m7q1z0va"
_TICKET: Final = "tkt_01k9w3b6bz6p1m7h4c0x3r2saa"
_KEPT: Final[dict[str, Any]] = {
    "id": FILE_EXAMPLE,
    "name": "catalogue.log",
    "type": "text/plain",
    "size": 18_204,
    "state": "kept",
    "reason": None,
    "link": f"/v1/tickets/{_TICKET}/files/{FILE_EXAMPLE}",
}
_UNTIL: Final = "2026-11-20T21:30:00Z"
_UPLOADING: Final[dict[str, Any]] = {
    "id": FILE_EXAMPLE,
    "account_id": _ACCOUNT,
    "name": "catalogue.log",
    "type": "text/plain",
    "size": 18_204,
    "state": "waiting",
    "ticket_id": None,
    "message_id": None,
    "upload": {
        "method": "PUT",
        "url": "https://s3.example.com/files/sent/acc_01k9w3b5t8e2r9h6x4m7q1z0va/fil_01k9z3v5q8e9rbn3wz4m6t7y2h?...",
        "headers": {"Content-Type": "text/plain"},
        "part_size": None,
        "expires_at": _UNTIL,
    },
    "download": None,
}
STORED_EXAMPLE: Final[dict[str, Any]] = _UPLOADING | {
    "state": "ready",
    "ticket_id": _TICKET,
    "upload": None,
    "download": {
        "url": "https://s3.example.com/files/acc_01k9w3b5t8e2r9h6x4m7q1z0va/fil_01k9z3v5q8e9rbn3wz4m6t7y2h?...",
        "expires_at": _UNTIL,
    },
}


class NewFile(Strict):
    """A file that is to be sent: what it is, before its bytes arrive."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"account_id": _ACCOUNT, "name": "catalogue.log", "type": "text/plain", "size": 18_204}]
        }
    )

    account_id: AccountId | None = Field(None, description="Needed with admin and agent keys; else the key's own")
    name: Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(no_nul)] = Field(
        description=f"Kept without a path, and cut to {LONGEST_NAME} characters and {MOST_BYTES} bytes of UTF-8"
    )
    type: Annotated[str, StringConstraints(max_length=200)] = Field(
        OCTETS, description="Its media type, without parameters; what is none counts as `application/octet-stream`"
    )
    size: Annotated[int, Field(ge=1, lt=2**53)] = Field(description="In bytes")
    actor: ActorRef | None = None


class FileCompletion(Strict):
    """All bytes of a file have been sent."""

    actor: ActorRef | None = None


class FileUpload(Document):
    """How the bytes are sent."""

    method: Literal["PUT"]
    url: str = Field(description="To which no key is sent; relative to the service's address where it has no host")
    headers: dict[str, str]
    part_size: int | None = Field(
        description="Larger files are sent in parts of at most so many bytes, one after another, each with "
        "`Content-Range: bytes first-last/size`; null: as one"
    )
    expires_at: Instant


class FileDownload(Document):
    """Where the bytes are fetched."""

    url: str = Field(description="To which no key is sent; relative to the service's address where it has no host")
    expires_at: Instant


class File(Document):
    """A file."""

    model_config = ConfigDict(json_schema_extra={"examples": [_UPLOADING]})

    id: str
    account_id: str
    name: str
    type: str
    size: int
    state: State = Field(
        description="`waiting` for its bytes; `stored`, and on the way to its store; `scanning`; `ready`; "
        "`quarantined`, since the scanner has found something; `left_out`, and not kept"
    )
    ticket_id: str | None
    message_id: str | None = Field(description="Null for files of the ticket's opening")
    upload: FileUpload | None = Field(description="While it is `waiting`")
    download: FileDownload | None = Field(description="Once it is `ready`, to whoever may see its ticket")


class Attachment(Document):
    """A file of a ticket or a message."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEPT]})

    id: str
    name: str
    type: str
    size: int
    state: Literal["kept", "quarantined", "left_out"]
    reason: Literal["no_store", "too_large", "type", "quota", "empty"] | None = Field(
        description="Why it was left out: there is no store for files; it is too large, of a type that is not taken, "
        "or empty; the account's files take as much room as they may"
    )
    link: str | None = Field(description="Where its download is asked for, with a key. Null where it is not kept")


class FileLimits(Document):
    """What files are taken."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kept": True, "max_size": 26_214_400, "max_files": 10, "types": ["image/*", "text/*"]}]
        }
    )

    kept: bool = Field(description="Whether files are taken at all")
    max_size: int = Field(description="Bytes of one file")
    max_files: int = Field(description="Files of one message")
    types: list[str] = Field(description="Media types; `*` stands for any letters")
