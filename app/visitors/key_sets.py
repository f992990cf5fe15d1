"""The public keys of host products, read from where they publish them (RFC 7517), and kept for a while."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import httpx
import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import TrustedKey
from app.core.clock import monotonic
from app.core.keys.trusted import key_set
from app.core.problems import Unavailable
from app.core.process.recent import Recent
from app.core.text.messages import _

FRESH: Final = 600.0
"""Seconds for which keys are taken as they were read."""
STALE: Final = 24 * 3600.0
"""Seconds for which they are still good where they cannot be read again."""
PAUSE: Final = 30.0
"""Seconds between two readings for keys that are not there: whoever makes up key ids causes no more."""
_TIMEOUT: Final = 5.0
_MOST_BYTES: Final = 64 * 1024
_MOST_KEYS: Final = 50
_MOST_SETS: Final = 1000
_OK: Final = 200
_PLAIN: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
_SOON: Final = {"Retry-After": "10"}
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Set:
    """What is known of one address."""

    keys: dict[str, TrustedKey] = field(default_factory=dict)
    read_at: float | None = None
    tried_at: float | None = None
    error: str | None = None
    reading: "asyncio.Task[None] | None" = None


class KeySets:
    """The key sets that this process has read, in bounded room."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._sets: Recent[_Set] = Recent(_MOST_SETS)

    async def key(self, url: str, kid: str) -> TrustedKey | None:
        """The key with this id; None where the host product publishes none. 503 while its keys cannot be read."""
        known = self._known(url)
        is_being_read = known.reading is not None and not known.reading.done()
        if self._is_due(known, kid, monotonic()) or (is_being_read and kid not in known.keys):
            await asyncio.shield(self._reading(url, known))
        if known.read_at is None or monotonic() - known.read_at > STALE:
            raise Unavailable(
                _("The keys of the host product cannot be read: {error}", error=known.error or ""), headers=_SOON
            )
        return known.keys.get(kid)

    def published(self, names: Collection[str]) -> set[str]:
        """Of these, each an address and a fingerprint: where the key is among those that were read there last.

        An address that has not been read for a while is read meanwhile, and the next call tells what came of it. Until
        an address has been read at all, its keys count.
        """
        return {name for name in names if self._is_published(*name.rpartition(" ")[::2])}

    def _is_published(self, url: str, fingerprint: str) -> bool:
        known, now = self._known(url), monotonic()
        if self._is_due(known, None, now):
            self._reading(url, known)
        if known.read_at is None:
            return True
        is_known = any(key.fingerprint == fingerprint for key in known.keys.values())
        return is_known and now - known.read_at <= STALE

    def _known(self, url: str) -> _Set:
        known = self._sets.get(url.encode())
        if known is None:
            known = _Set()
            self._sets.keep(url.encode(), known)
        return known

    def _reading(self, url: str, known: _Set) -> "asyncio.Task[None]":
        if known.reading is None or known.reading.done():
            known.reading = asyncio.create_task(self._read(url, known), name="key set")
        return known.reading

    def _is_due(self, known: _Set, kid: str | None, now: float) -> bool:
        """Whether to read: the keys are old, or lack this one; but not again and again."""
        if known.tried_at is not None and now - known.tried_at < PAUSE:
            return False
        lacking = kid is not None and kid not in known.keys
        return known.read_at is None or lacking or now - known.read_at > FRESH

    async def _read(self, url: str, known: _Set) -> None:
        known.tried_at = monotonic()
        try:
            known.keys = key_set(orjson.loads(await self._fetch(url)), _MOST_KEYS)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
            known.error = f"{type(error).__name__}: {error}"[:300]
            _log.warning("the keys of a host product could not be read", url=url, error=known.error)
        else:
            known.read_at, known.error = monotonic(), None

    async def _fetch(self, url: str) -> bytes:
        """The body of what is there. ``ValueError`` for anything but a small success."""
        body = bytearray()
        async with asyncio.timeout(_TIMEOUT), self._http.stream("GET", url, headers=_PLAIN) as answer:
            if answer.status_code != _OK:
                raise ValueError(f"it answers {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("it is compressed, although that was not asked for")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
        return bytes(body)

    async def trouble(self, _session: AsyncSession) -> str | None:
        """How many host products' keys this process could not read at the last try, in words for ``/readyz``."""
        failed = sum(each.error is not None for each in self._sets.values())
        return f"Keys of host products (jwks_url) that could not be read: {failed}" if failed else None
