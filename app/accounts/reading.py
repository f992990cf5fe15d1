"""Reads that are one statement: it checks the caller's key and returns JSON, outside any transaction.

What this process remembers of a key (``core/keyring``) says which statement its owner may run. The statement looks the
key up again and returns its principal beside the result: one that is not valid gets 401, one that has changed has the
statement composed anew. So a revocation holds at once, and nothing has to be kept in step.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar, cast

from fastapi import Request, Security

from app.accounts.principals import BY_HASH, principal_in
from app.core.auth import Principal, hash_key
from app.core.db.engine import lookup
from app.core.db.session import Again
from app.core.db.tables import Row
from app.core.problems import Problem, Unavailable
from app.core.state import State, get_state
from app.core.text.language import Language
from app.core.web.callers import CONFIRM, PRINCIPAL, bearer_of, language_of
from app.core.web.kit.deps import ApiKey, admit

T = TypeVar("T")
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that returns at most one row, and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(slots=True)
class Reader:
    """A caller whose key is checked by the statements that read for it; ``principal`` is what it is remembered as."""

    state: State
    principal: Principal
    request: Request
    _key: str
    _hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._hash = hash_key(self._key)

    def language(self) -> Language:
        """The language that the caller reads."""
        self.request.scope.setdefault(PRINCIPAL, self.principal)
        return language_of(self.request.scope)

    async def read(self, question: Callable[[Principal], Question]) -> Row:
        """The one row of what is asked on behalf of this caller. 401 and 403 for a key that may not ask it."""
        return await self.run(lambda principal: self.ask(question(principal)))

    async def run(self, work: Callable[[Principal], Awaitable[T]]) -> T:
        """The result of ``work``, which reads by ``ask`` on behalf of a principal, and is begun again for another one.

        A problem that it raises reaches the caller once the key has been checked.
        """
        for _ in range(_TRIES):
            with suppress(Again):
                result = await work(self.principal)
                if check := self.request.scope.pop(CONFIRM, None):
                    self._take(await check(self.request))
                return result
        raise Unavailable(headers={"Retry-After": "1"})

    async def ask(self, question: Question) -> Row:
        """The row of one statement, its columns null where it finds none. Raises ``Again`` when the key has changed."""
        sql = _checking(question.sql, len(question.values) + 1)
        async with lookup(self.state.engine) as connection:
            row: Row | None = await connection.fetchrow(sql, *question.values, self._hash)
        principal = self.state.keyring.told(self._key, principal_in(row))
        admit(self.request, principal)
        self.request.scope.pop(CONFIRM, None)
        self._take(principal)
        return cast("Row", row)

    def _take(self, principal: Principal) -> None:
        presumed, self.principal = self.principal, principal
        if presumed != principal:
            raise Again


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
