"""Reads that are one statement: it checks the caller's key and returns JSON, outside any transaction.

What this process remembers of a key (``core/keyring``) says which statement its owner may run. The statement looks the
key up again and returns its principal beside the result: one that is not valid gets 401, one that has changed has the
statement composed anew. So a revocation holds at once, and nothing has to be kept in step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Request, Security

from app.accounts.principals import BY_HASH, principal_in
from app.core.auth import Principal, hash_key
from app.core.callers import CONFIRM, bearer_of
from app.core.db import Row, lookup
from app.core.deps import ApiKey, admit
from app.core.problems import Problem, Unavailable
from app.core.state import State, get_state

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that returns at most one row, and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


Ask: TypeAlias = Callable[[Principal], Question]
"""What to ask on behalf of a caller. It may raise a problem, which the caller sees once the key has been checked."""


@dataclass(slots=True)
class Reader:
    """A caller whose key is checked by the statement that reads for it."""

    state: State
    principal: Principal
    _request: Request
    _key: str
    _hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._hash = hash_key(self._key)

    async def read(self, ask: Ask) -> Row:
        """The row of what is asked, its columns null where there is none. 401, 403 for a key that may not ask it."""
        for _ in range(_TRIES):
            question = ask(self.principal)
            async with lookup(self.state.engine) as connection:
                sql = _checking(question.sql, len(question.values) + 1)
                row: Row | None = await connection.fetchrow(sql, *question.values, self._hash)
            presumed, self.principal = self.principal, self.state.keyring.told(self._key, principal_in(row))
            admit(self._request, self.principal)
            if presumed == self.principal and row is not None:
                self._request.scope.pop(CONFIRM, None)
                return row
        raise Unavailable(headers={"Retry-After": "1"})


@lru_cache(maxsize=512)
def _checking(sql: str, place: int) -> str:
    caller = BY_HASH.replace("$1", f"${place}")
    return f"SELECT * FROM ({caller}) AS caller LEFT JOIN LATERAL ({sql}) AS found ON true"  # noqa: S608  both ours


class _ReaderKey(ApiKey):
    """Reads the key, and leaves it to the statement to check it."""

    async def __call__(self, request: Request) -> Reader:  # type: ignore[override]
        state, key = await get_state(request), bearer_of(request)
        principal = state.keyring.known(key)
        try:
            if principal is not None:
                admit(request, principal)
        except Problem:
            principal = None  # what is remembered may be old
        if principal is None:
            principal = await super().__call__(request)
        else:
            request.scope[CONFIRM] = super().__call__
        return Reader(state, principal, request, key)


ReaderDep = Annotated[Reader, Security(_ReaderKey())]
"""The caller of a read that is one statement: admin, agent or account. 401 and 403 as with ``PrincipalDep``."""
