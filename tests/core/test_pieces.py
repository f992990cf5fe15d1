import pickle
from copy import copy, deepcopy

import pytest

from app.core.pieces import PIECE, Pieces
from app.core.workers.worker import HEAD, packed


@pytest.mark.parametrize(
    "sizes", [(), (0,), (1,), (PIECE,), (PIECE + 1, 5), (10,) * 40_000, (3 * PIECE + 7, PIECE - 7, 1)]
)
def test_parts_of_any_size_become_pieces_that_are_full(sizes: tuple[int, ...]) -> None:
    parts = [bytes([place % 251]) * size for place, size in enumerate(sizes)]
    pieces, whole = Pieces.joined(parts), b"".join(parts)
    assert (pieces.whole(), bytes(pieces.together()), len(pieces)) == (whole, whole, len(whole))
    assert [len(each) for each in pieces][:-1] == [PIECE] * (len(pieces.each) - 1)
    assert pieces == Pieces.of(whole)
    assert b"".join(pieces.steps(70_000)) == whole
    assert all(0 < len(each) <= 70_000 for each in pieces.steps(70_000))


def test_a_copy_is_the_same() -> None:
    pieces = Pieces((b"a", b"b"))
    assert copy(pieces) is deepcopy(pieces) is pieces


def test_pieces_stand_apart_from_what_is_said_of_them() -> None:
    given = Pieces.of(b"a" * (PIECE + 1))
    head, *message = packed(("a", given))
    length, apart = HEAD.unpack(head)
    assert (length < 200, apart) == (True, 2)
    said = pickle.loads(message[0], buffers=[message[2], message[4]])  # noqa: S301  our own
    assert said == ("a", given)
