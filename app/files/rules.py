"""What files are taken, by what they are called, and how links to them are signed. Pure."""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol, TypeAlias
from urllib.parse import quote

from app.core.text.invisible import visible

Reason: TypeAlias = Literal["no_store", "too_large", "type", "quota", "empty"]
"""Why a file was left out."""
Purpose: TypeAlias = Literal["upload", "download"]

OCTETS: Final = "application/octet-stream"
MOST: Final = 10
"""Files of one message."""
LONGEST_NAME: Final = 200
MOST_BYTES: Final = 240
"""Of a name: file systems take 255, and browsers add a number."""
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?", re.IGNORECASE)
"""Names that stand for devices of Windows, whatever follows the point."""
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_SEPARATORS: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_TOKEN: Final = re.compile(r"(?P<id>[0-7][0-9a-hjkmnp-tv-z]{25})-(?P<until>\d{1,12})-(?P<seal>[a-z2-7]{32})")
_FILE: Final = "fil_"
_KEPT: Final = ("id", "name", "type", "size")


class Bounds(Protocol):
    """What an installation takes."""

    @property
    def file_bytes(self) -> int:
        """The most bytes of one file."""
        ...

    @property
    def file_types(self) -> list[str]:
        """The media types; ``*`` stands for any letters."""
        ...


def clean_name(name: str) -> str:
    """A name under which any system can save the file: no path, no device, no control characters, nothing unseen."""
    last = visible(_SEPARATORS.sub("_", re.split(r"[\\/]", name)[-1])).strip(" .")
    stem, dot, ending = last.rpartition(".")
    is_ending = bool(dot) and len(ending) < LONGEST_NAME // 4
    whole = f"{_cut(stem, f'.{ending}')}.{ending}" if is_ending else _cut(last, "")
    return f"_{whole}" if _DEVICES.fullmatch(whole) else whole or "file"


def _cut(stem: str, ending: str) -> str:
    """As much of a name as there is room for before its ending."""
    kept = stem[: LONGEST_NAME - len(ending)].encode()[: MOST_BYTES - len(ending.encode())]
    return kept.decode(errors="ignore").rstrip(" .")


def media_type(stated: str) -> str:
    """The media type that is stated, without parameters; octets where it states none that is one."""
    kind = stated.partition(";")[0].strip().lower()
    return kind if _MEDIA_TYPE.fullmatch(kind) else OCTETS


def is_taken(kind: str, patterns: Sequence[str]) -> bool:
    """Whether files of this media type are taken; ``*`` in a pattern stands for any letters."""
    return any(re.fullmatch(re.escape(each.lower()).replace(r"\*", ".*"), kind) for each in patterns)


def refusal(bounds: Bounds | None, kind: str, size: int) -> Reason | None:
    """Why a file is left out, however much room there is; None: it is taken. No ``bounds``: there is no store."""
    if bounds is None:
        return "no_store"
    if not size:
        return "empty"
    if size > bounds.file_bytes:
        return "too_large"
    return None if is_taken(kind, bounds.file_types) else "type"


def disposition(name: str) -> str:
    """The ``Content-Disposition`` of a file that is saved under its name (RFC 6266, RFC 8187)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def link_of(ticket_id: str, file_id: str) -> str:
    """By which path whoever sees the ticket asks for a file."""
    return f"/v1/tickets/{ticket_id}/files/{file_id}"


def attachment(file: Mapping[str, Any], ticket_id: str) -> dict[str, Any]:
    """A file as its ticket and its message name it; without a link where it is not there."""
    shown = {name: file[name] for name in _KEPT}
    if file["reason"]:
        return shown | {"state": "left_out", "reason": file["reason"], "link": None}
    return shown | {"state": "kept", "reason": None, "link": link_of(ticket_id, file["id"])}


def facts(attachments: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """What events tell of files: never a link."""
    return [{name: each[name] for name in (*_KEPT, "state", "reason")} for each in attachments or ()]


def token(secret: str, purpose: Purpose, file_id: str, until: datetime) -> str:
    """By what the bytes of a file are sent, or got, until this instant."""
    text = f"{file_id.removeprefix(_FILE)}-{int(until.timestamp())}"
    return f"{text}-{_seal(secret, purpose, text)}"


def file_of(secret: str, purpose: Purpose, shown: str, now: datetime) -> str | None:
    """The file for which this token was made; None for one that was not made with the secret, or is over."""
    found = _TOKEN.fullmatch(shown)
    if found is None:
        return None
    text = f"{found['id']}-{found['until']}"
    if not hmac.compare_digest(_seal(secret, purpose, text), found["seal"]):
        return None
    return _FILE + found["id"] if now < datetime.fromtimestamp(int(found["until"]), UTC) else None


def _seal(secret: str, purpose: Purpose, text: str) -> str:
    digest = hmac.digest(secret.encode(), f"file {purpose}\n{text}".encode(), "sha256")
    return base64.b32encode(digest[:20]).decode().lower()
