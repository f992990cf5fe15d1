"""What a sandbox's clock has told on its way: written out as it happens, and recorded all at once."""

from collections.abc import Sequence

from orjson import Fragment
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.statements.bulk import write
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.core.web.replies import dump
from app.events.envelope import envelope
from app.events.log import Aside, recorded


class Told:
    """The events of one move in their order, which are many: as the caller is answered, and as they are recorded.

    ``count``: how many there are. Of those that have come before the last ones, only the written answer is in memory.
    """

    def __init__(self, principal: Principal) -> None:
        self._principal = principal
        self.count = 0
        self._seen: list[bytes] = []
        self._last: Sequence[Row] = ()
        self._aside = Aside()

    async def take(self, session: AsyncSession, rows: Sequence[Row]) -> None:
        """The next ones."""
        if not rows:
            return
        if self._last:
            await self._aside.put(session, self._last)
        self._last = rows
        self.count += len(rows)
        internal = self._principal.is_support
        seen = (row for row in rows if row["audience"] in self._principal.audiences)
        if texts := [dump(envelope(row, internal=internal)) async for row in in_turns(seen)]:
            self._seen.append(b",".join(texts))

    async def record(self, session: AsyncSession) -> None:
        """Record them: the last step of their transaction, which keeps the feed waiting from then on."""
        if self._aside.is_empty:
            await write(session, recorded(self._last))
        else:
            await self._aside.put(session, self._last)
            await self._aside.record(session)

    def seen(self) -> Fragment:
        """What the caller may see of them, as a list in JSON."""
        return Fragment(b"[%b]" % b",".join(self._seen))
