"""Finding out whose key a request shows, so that wrong keys cost next to nothing.

A key's checksum comes first (an operator's own admin key has none, and another form), then the keys that were refused a
moment ago. A key that this process has never seen is looked up together with the others that come at the same time:
whoever tries many makes few queries, and whoever has a valid one behind the same address is not kept waiting for them.
So is the key of a caller who is refused for asking too often. What is remembered of a valid key says whose requests
these are, for counting them; whether it is still valid is asked for every request, so that revoking it holds at once.
"""

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.auth import Principal, hash_key, is_well_formed
from app.core.clock import monotonic
from app.core.problems import Unauthorized
from app.core.process.recent import Recent
from app.core.text.messages import _

REFUSED: Final = 10.0
"""Seconds for which a refused key is remembered."""
_OPERATORS: Final = re.compile("(?!hd_)[!-~]{16,200}")
"""What an operator may have chosen, at this start or an earlier one."""
_PAUSE: Final = 0.02
"""Seconds between two look-ups of many keys."""


class Authenticator(Protocol):
    """Finds the principal of a key (``app/accounts/principals.py`` does, behind this seam)."""

    async def __call__(self, engine: AsyncEngine, key: str) -> Principal:
        """The principal; ``Unauthorized`` when the key is malformed, unknown, expired or revoked."""
        ...


class Finder(Protocol):
    """Finds the principals of many keys by their hashes; those that are not valid are left out."""

    async def __call__(self, engine: AsyncEngine, hashes: Collection[bytes]) -> Mapping[bytes, Principal]:
        """The principals by hash."""
        ...


class Asker(Protocol):
    """Looks up a key in the statement that does something for its owner."""

    async def __call__(
        self, connection: "Connection[Any]", key: str, sql: str, *values: Any
    ) -> tuple[Principal | None, Mapping[str, Any]]:
        """The key's principal, None where it is not valid, and the one row of ``sql`` beside it."""
        ...


class Keyring:
    """What a process knows of the keys that it is shown; ``own`` is the operator's admin key, which has any form."""

    def __init__(
        self, engine: AsyncEngine, authenticate: Authenticator, find: Finder, asker: Asker, own: str = ""
    ) -> None:
        self._engine, self._authenticate, self._find, self._ask = engine, authenticate, find, asker
        self._own = hash_key(own) if own else None
        self._known: Recent[Principal] = Recent()
        self._refused: Recent[float] = Recent()
        self._asked: dict[bytes, asyncio.Future[Principal | None]] = {}
        self._finding: asyncio.Task[None] | None = None

    def known(self, key: str) -> Principal | None:
        """Whose key this was when it was last valid: for counting, never for letting it in."""
        return self._known.get(hash_key(key))

    def is_plausible(self, key: str) -> bool:
        """Whether a look-up may find this key: it has the form of one, and was not refused a moment ago."""
        digest = hash_key(key)
        until = self._refused.get(digest)
        if until is not None and monotonic() < until:
            return False
        return is_well_formed(key) or digest == self._own or _OPERATORS.fullmatch(key) is not None

    def doubt(self, key: str) -> None:
        """Look this key up before anything else is counted for its owner."""
        self._known.drop(hash_key(key))

    async def among_others(self, key: str) -> Principal | None:
        """The principal of a key, looked up together with others from now on; None when it is not valid."""
        digest = hash_key(key)
        asked = self._asked.get(digest)
        if asked is None:
            asked = self._asked[digest] = asyncio.get_running_loop().create_future()
            if self._finding is None or self._finding.done():
                self._finding = asyncio.create_task(self._find_asked(), name="keys")
        principal = await asyncio.shield(asked)
        self._learn(digest, principal)
        return principal

    async def principal(self, key: str) -> Principal:
        """The principal of a key, which is looked up now. Raises ``Unauthorized``."""
        if self.known(key) is None and not self.is_plausible(key):
            raise Unauthorized(_("This API key is not valid"))
        try:
            principal = await self._authenticate(self._engine, key)
        except Unauthorized:
            self._learn(hash_key(key), None)
            raise
        self._learn(hash_key(key), principal)
        return principal

    async def ask(
        self, connection: "Connection[Any]", key: str, sql: str, *values: Any
    ) -> tuple[Principal, Mapping[str, Any]]:
        """The principal of a key, and the row of a statement that looks it up besides. Raises ``Unauthorized``."""
        principal, row = await self._ask(connection, key, sql, *values)
        self._learn(hash_key(key), principal)
        if principal is None:
            raise Unauthorized(_("This API key is not valid"))
        return principal, row

    def _learn(self, digest: bytes, principal: Principal | None) -> None:
        if principal is None:
            self._known.drop(digest)
            self._refused.keep(digest, monotonic() + REFUSED)
        else:
            self._known.keep(digest, principal)

    async def _find_asked(self) -> None:
        """Look up what was asked for; what comes in the meantime is the next look-up's."""
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                found = await self._find(self._engine, list(asked))
            except Exception as error:  # noqa: BLE001  whoever asked gets it
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()  # nobody may be waiting any more
            else:
                for digest, future in asked.items():
                    future.set_result(found.get(digest))
            await asyncio.sleep(_PAUSE)
