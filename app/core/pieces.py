"""Bytes in pieces: what may be of megabytes is never one object, since to copy that takes longer than a turn may. Pure.

A piece is what one step of a loop copies: from a request, to the database and back, to another process and back.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pickle import PickleBuffer
from typing import Any, Final

PIECE: Final = 2**18
"""Bytes of a piece that is made here; what the database gives at once may be more (``inbound/bodies.py``)."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Bytes, as pieces that are not empty; equal where the pieces are."""

    each: tuple[bytes, ...] = ()

    @staticmethod
    def of(content: bytes) -> "Pieces":
        """Bytes that are one object, cut up."""
        return Pieces(tuple(content[start : start + PIECE] for start in range(0, len(content), PIECE)))

    @staticmethod
    def joined(parts: Iterable[bytes]) -> "Pieces":
        """Parts of any size, as pieces of the largest."""
        gathering = _Gathering()
        for part in parts:
            gathering.add(part)
        return gathering.pieces()

    @staticmethod
    async def gathered(parts: AsyncIterator[bytes]) -> "Pieces":
        """Parts of any size as they come, as pieces of the largest."""
        gathering = _Gathering()
        async for part in parts:
            gathering.add(part)
        return gathering.pieces()

    def __len__(self) -> int:
        """The number of bytes."""
        return sum(map(len, self.each))

    def __iter__(self) -> Iterator[bytes]:
        """The pieces."""
        return iter(self.each)

    def whole(self) -> bytes:
        """As one object: where they are few, or where nobody else waits."""
        return self.each[0] if len(self.each) == 1 else b"".join(self.each)

    def together(self) -> bytearray:
        """As one object, copied piece by piece: for a thread that leaves others their turns."""
        content = bytearray()
        for piece in self.each:
            content += piece
        return content

    def steps(self, most: int) -> Iterator[bytes]:
        """The bytes in order, at most so many at once."""
        return (piece[start : start + most] for piece in self.each for start in range(0, len(piece), most))

    def __copy__(self) -> "Pieces":
        """Itself, as it does not change."""
        return self

    def __deepcopy__(self, _known: dict[int, Any]) -> "Pieces":
        """Itself, as it does not change."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Each piece goes to another process by itself (``workers/worker.py``)."""
        return _of_pieces, tuple(map(PickleBuffer, self.each))


class _Gathering:
    def __init__(self) -> None:
        self._done: list[bytes] = []
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size >= PIECE:
            joined = self._joined()
            full = len(joined) - len(joined) % PIECE
            self._done += (joined[start : start + PIECE] for start in range(0, full, PIECE))
            self._parts, self._size = [joined[full:]], len(joined) - full

    def _joined(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def pieces(self) -> Pieces:
        return Pieces((*self._done, *filter(None, (self._joined(),))))


def _of_pieces(*each: bytes) -> Pieces:
    return Pieces(each)
