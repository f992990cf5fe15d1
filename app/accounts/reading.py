"""Reads that are one statement: it checks the caller's key and returns JSON, outside any transaction.

What this process remembers of a key (``core/keys/keyring``) says which statement its owner may run. The statement looks
the key up again and returns its principal beside the result: one that is not valid gets 401, and where it has changed,
the request is handled again. So a revocation holds at once, and nothing has to be kept in step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Request, Security

from app.core.auth import Principal
from app.core.db.engine import lookup
from app.core.db.tables import Row
from app.core.state import State, get_state
from app.core.text.language import Language
from app.core.web.callers import Presumed, bearer_of, language_for_principal
from app.core.web.kit.deps import PresumedKey


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that returns at most one row, and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller whose key is checked by the statements that read for it."""

    state: State
    request: Request
    _key: Presumed

    @property
    def principal(self) -> Principal:
        """What the key stands for, as far as the process remembers."""
        return self._key.principal

    def language(self) -> Language:
        """The language that the caller reads."""
        return language_for_principal(self.request.scope, self.principal)

    async def read(self, question: Callable[[Principal], Question]) -> Row:
        """The one row of what is asked on behalf of this caller. 401 and 403 for a key that may not ask it."""
        return await self.ask(question(self.principal))

    async def ask(self, question: Question) -> Row:
        """The row of one statement, its columns null where it finds none."""
        async with lookup(self.state.engine) as connection:
            return await self._key.ask(connection, question.sql, *question.values)


class _ReaderKey(PresumedKey):
    """Reads the key, and leaves it to the statement to check it."""

    async def __call__(self, request: Request) -> Reader:  # type: ignore[override]
        principal = await super().__call__(request)
        state = await get_state(request)
        return Reader(state, request, Presumed(request.scope, state.keyring, bearer_of(request), principal))


ReaderDep = Annotated[Reader, Security(_ReaderKey())]
"""The caller of a read that is one statement: admin, agent or account. 401 and 403 as with ``PrincipalDep``."""
