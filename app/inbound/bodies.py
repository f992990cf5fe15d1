"""The bodies of receipts, on their way to the database and back: a large one goes piece by piece.

One statement with all of its bytes, and one answer, would each be copied in one turn of the event loop.
"""

from typing import Any, Final

from asyncpg import Connection

from app.core.pieces import PIECE, Pieces

ONE: Final = 4 * PIECE
"""Bytes of a body that goes as a whole, and of the first part of a larger one."""
_NEXT: Final = 2 * ONE
"""Bytes of each further part: a body that is compressed is decompressed from its beginning for each."""
WHOLE: Final = "$7::bytea"
"""The body, in a statement that stores a receipt whose first parameters are its account and its id ..."""
SENT: Final = (
    "(SELECT string_agg(p.bytes, '' ORDER BY p.number) FROM receipt_pieces AS p"
    " WHERE p.account_id = $1::varchar AND p.receipt_id = $2::varchar AND $7::bytea IS NULL)"
)
"""... and where its pieces were sent before, in the same transaction: without them, the statement fails."""
FIRST: Final = f"substring(body FROM 1 FOR {ONE})"
"""The first part of a body; ``body_of`` reads on."""
_SEND: Final = "INSERT INTO receipt_pieces (account_id, receipt_id, number, bytes) VALUES ($1, $2, $3, $4)"
_OVER: Final = "DELETE FROM receipt_pieces WHERE account_id = $1 AND receipt_id = $2"
_PART: Final = "SELECT substring(body FROM $3 FOR $4) FROM receipts WHERE account_id = $1 AND id = $2"


async def send(connection: "Connection[Any]", account_id: str, receipt_id: str, body: Pieces) -> None:
    """Send the pieces of a body that the receipt will have, in the transaction that stores it.

    Raises ``RuntimeError`` outside one, where what is sent would stay for good.
    """
    if not connection.is_in_transaction():
        raise RuntimeError("Pieces are sent within a transaction")
    for number, piece in enumerate(body):
        await connection.execute(_SEND, account_id, receipt_id, number, piece)


async def sent(connection: "Connection[Any]", account_id: str, receipt_id: str) -> None:
    """The receipt is stored: its pieces are not needed any more."""
    await connection.execute(_OVER, account_id, receipt_id)


async def body_of(
    connection: "Connection[Any]", account_id: str, receipt_id: str, first: bytes | None = None
) -> Pieces:
    """The body of a receipt; ``first``: its ``FIRST`` part, where that is known."""
    if first is None:
        first = await connection.fetchval(_PART, account_id, receipt_id, 1, ONE) or b""
    parts, size, last = [first], len(first), ONE
    while len(parts[-1]) == last:
        last = _NEXT
        parts.append(await connection.fetchval(_PART, account_id, receipt_id, size + 1, last) or b"")
        size += len(parts[-1])
    return Pieces(tuple(filter(None, parts)))
