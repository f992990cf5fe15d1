"""What a write refuses."""

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.tickets.editing.load import lock
from app.tickets.editing.write import write_edits
from tests.support.stories import Begin


async def test_texts_that_were_not_loaded_are_not_written(sessions: Sessions, begin: Begin) -> None:
    story = await begin("wati-business-plus")
    ticket = await story.open()
    async with transaction(sessions) as session:
        edit = await lock(session, ticket["id"])
        assert edit is not None
        edit.rewritten = True
        with pytest.raises(ValueError, match="without its texts"):
            await write_edits(session, [edit])
