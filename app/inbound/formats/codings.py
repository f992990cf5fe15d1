"""Content codings of a request's body (RFC 9110, 8.4), undone within bounds. Pure.

Signatures cover the bytes as they were sent, so a body is decoded after its signature is checked.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from app.core.pieces import Pieces
from app.core.problems import BadRequest, PayloadTooLarge, UnsupportedMediaType
from app.core.text.messages import _

MAX_RATIO: Final = 250
"""How many times a body may grow. Repetitive alerts reach 60; what reaches 1,000 is made for it."""
_FREE: Final = 16 * 1024
"""Bytes that a body may grow to whatever its size."""
_ANY_WRAPPER: Final = 32 + zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
_STEP: Final = 2**16
"""Bytes that are put in at once, and that come out at once."""
_WRAPPERS: Final[Mapping[str, tuple[int, ...]]] = {
    "gzip": (_ANY_WRAPPER,),
    "x-gzip": (_ANY_WRAPPER,),
    "deflate": (_ANY_WRAPPER, _RAW),  # some senders leave the zlib wrapper out
}
ACCEPTED: Final = "gzip, deflate"


def decoded(body: Pieces, encoding: str | None, limit: int) -> Pieces:
    """The body without its content coding; ``limit``: bytes that it may have then.

    Raises 415 for a coding that is not taken, 413 for a body that grows beyond the limit or by more than
    ``MAX_RATIO``, and 400 for one that is not in the coding that it claims.
    """
    name = (encoding or "identity").strip().lower()
    if name in ("identity", ""):
        return body
    if name not in _WRAPPERS:
        raise UnsupportedMediaType(
            _(
                "The content coding {name} is not supported: use one of {accepted}",
                name=repr(name[:40]),
                accepted=ACCEPTED,
            ),
            headers={"Accept-Encoding": ACCEPTED},
        )
    most = min(limit, max(_FREE, len(body) * MAX_RATIO))
    for wrapper in _WRAPPERS[name]:
        try:
            return _inflated(body, wrapper, most)
        except zlib.error as error:
            failed = error
    raise BadRequest(_("The body is not {name}: {failed}", name=name, failed=failed))


def _inflated(body: Pieces, wrapper: int, most: int) -> Pieces:
    """Raises 413, and ``zlib.error``; a gzip body may have several members."""
    parts, size = list[bytes](), 0
    for part in _parts(body, wrapper):
        size += len(part)
        if size > most:
            raise PayloadTooLarge(_("The body grows to more than {most} bytes", most=most))
        parts.append(part)
    return Pieces.joined(parts)


def _parts(body: Pieces, wrapper: int) -> Iterator[bytes]:
    """Step by step, so that other threads get their turns."""
    inflater = zlib.decompressobj(wrapper)
    for left in body.steps(_STEP):
        while left:
            if inflater.eof:
                left = left.lstrip(b"\0")  # noqa: PLW2901  what is left of it
                inflater = zlib.decompressobj(wrapper) if left else inflater
            else:
                yield inflater.decompress(left, _STEP)
                left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail  # noqa: PLW2901
    while body and not inflater.eof:
        if not (part := inflater.decompress(b"", _STEP)):
            raise zlib.error("it ends too early")
        yield part
