"""A folder as a store of files: of one machine, for trying and for small installations.

The bytes come and go by the service's own addresses, which are signed and expire. They come in parts, each as small as
any request's body, so that no file is in memory as a whole.
"""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, TypeVar

from app.core.files import DOWNLOAD, UPLOAD, Link, StoredFile, StoreFailed, Upload
from app.files.rules import token

P = ParamSpec("P")
T = TypeVar("T")
PATH: Final = "/f/"
_PART: Final = 2**20
_READ: Final = 2**18
_PLAIN: Final = os.O_CLOEXEC | os.O_NOFOLLOW
"""Who can write to the folder has the service read and write nothing elsewhere."""


class OutOfPlace(Exception):
    """A part does not begin where the last one has ended; ``held`` says where that is."""

    def __init__(self, held: int) -> None:
        super().__init__(held)
        self.held = held


class Folder:
    """Files under a folder, by their accounts."""

    def __init__(self, root: Path, site: str, part: int) -> None:
        """``site``: what the service's addresses begin with, empty where nobody has said it; ``part``: its largest."""
        self._root, self._site, self._part = root, site, min(part, _PART)

    def upload(self, file: StoredFile, now: datetime) -> Upload:
        """See ``FileStore``."""
        until = now + UPLOAD
        url = f"{self._site}{PATH}{token(file.secret, 'upload', file.id, until)}"
        return Upload(url, {"Content-Type": file.content_type}, until, self._part)

    def link(self, file: StoredFile, now: datetime) -> Link:
        """See ``FileStore``."""
        until = now + DOWNLOAD
        return Link(f"{self._site}{PATH}{token(file.secret, 'download', file.id, until)}", until)

    async def put(self, file: StoredFile, start: int, part: bytes) -> int:
        """Keep a part of what is sent; how many bytes there are then. Raises ``OutOfPlace``."""
        return await _apart(_put, self._path(file, ".part"), start, part)

    async def take(self, file: StoredFile) -> bool:
        """See ``FileStore``. The bytes are copied: whoever is still sending has no hold on the copy."""
        return await _apart(_take, self._path(file, ".part"), self._path(file), file.size)

    async def write(self, file: StoredFile, chunks: AsyncIterator[bytes]) -> None:
        """See ``FileStore``."""
        part, held = self._path(file, ".part"), 0
        await _apart(part.unlink, missing_ok=True)
        async for chunk in chunks:
            held = await _apart(_put, part, held, chunk)
        if not await _apart(_take, part, self._path(file), file.size):
            raise StoreFailed(f"{file.id}: {held} bytes of {file.size} were written")

    async def read(self, file: StoredFile) -> AsyncIterator[bytes]:
        """See ``FileStore``."""
        async for chunk in _chunks(await self.opened(file)):
            yield chunk

    async def opened(self, file: StoredFile) -> BinaryIO:
        """The file, open, to be closed by the caller. Raises ``StoreFailed`` where there is none."""
        return await _apart(_opened, self._path(file))

    async def size(self, file: StoredFile) -> int | None:
        """See ``FileStore``."""
        path = self._path(file)
        return (await _apart(path.stat)).st_size if await _apart(path.exists) else None

    async def delete(self, file: StoredFile) -> None:
        """See ``FileStore``."""
        for path in (self._path(file, ".part"), self._path(file)):
            await _apart(path.unlink, missing_ok=True)

    def _path(self, file: StoredFile, ending: str = "") -> Path:
        return self._root / file.account_id / f"{file.id}{ending}"


async def _chunks(stream: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while chunk := await _apart(stream.read, _READ):
            yield chunk
    finally:
        stream.close()


async def _apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The work in a thread: a disk may be slow."""
    try:
        return await asyncio.to_thread(partial(work, *args, **kwargs))
    except OSError as error:
        raise StoreFailed(f"{type(error).__name__}: {error.strerror or error}") from error


def _put(path: Path, start: int, part: bytes) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | _PLAIN, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)  # until it is closed
        held = os.fstat(number).st_size
        if start > held:
            raise OutOfPlace(held)
        os.lseek(number, start, os.SEEK_SET)
        with os.fdopen(os.dup(number), "wb") as stream:
            stream.write(part)
        return os.fstat(number).st_size
    finally:
        os.close(number)


def _take(part: Path, path: Path, size: int) -> bool:
    try:
        source = _opened(part)
    except FileNotFoundError:
        return _has(path, size)
    with source:
        fcntl.flock(source, fcntl.LOCK_EX)  # nobody sends more of it, or takes it too
        found = os.fstat(source.fileno())
        if not found.st_nlink:
            return _has(path, size)
        if found.st_size != size:
            return False
        copy = path.with_suffix(".copy")
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _PLAIN, 0o600), "wb") as stream:
            shutil.copyfileobj(source, stream)
        copy.replace(path)
        part.unlink(missing_ok=True)
    return True


def _has(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | _PLAIN), "rb")
