"""What a store of files is to the rest of the service. Pure."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

UPLOAD: Final = timedelta(hours=1)
"""For how long the bytes of a file may be sent."""
DOWNLOAD: Final = timedelta(minutes=5)
"""For how long a link to a file is good."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as its store knows it; ``secret`` is what the service signs its own links with."""

    account_id: str
    id: str
    name: str
    content_type: str
    size: int
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """How the bytes are sent: by PUT, with these headers; with a ``part_size``, in parts, one after another."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime
    part_size: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Where the bytes are fetched."""

    url: str
    expires_at: datetime


class StoreFailed(Exception):
    """The store did not do what it was asked to; the text says why, for the log."""


class FileStore(Protocol):
    """Keeps the bytes of files. What it is asked for, other than links, may raise ``StoreFailed``."""

    def upload(self, file: StoredFile, now: datetime) -> Upload:
        """How its bytes are sent by whoever has this."""

    async def take(self, file: StoredFile) -> bool:
        """Keep what was sent, so that nobody can change it any more; False where that is not the whole file."""

    async def write(self, file: StoredFile, chunks: AsyncIterator[bytes]) -> None:
        """Keep these bytes."""

    def read(self, file: StoredFile) -> AsyncIterator[bytes]:
        """The bytes that are kept, part by part."""

    async def size(self, file: StoredFile) -> int | None:
        """How many bytes are kept; None: the store does not have the file."""

    async def delete(self, file: StoredFile) -> None:
        """Keep nothing of the file, also of what was sent and not taken."""

    def link(self, file: StoredFile, now: datetime) -> Link:
        """Where whoever has this fetches its bytes: as a file to be saved, never as a page."""
