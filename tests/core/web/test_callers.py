"""No transaction of a request commits for a caller whose key has not been checked lately."""

from typing import Any, Final

import pytest
from fastapi import FastAPI, Request, Response

from app.core.auth import hash_key
from app.core.db.engine import Sessions
from app.core.db.session import driver, run
from app.core.problems import Unauthorized, Unavailable
from app.core.state import State
from app.core.web import callers
from app.core.web.callers import CHECKED, handle_checked, presume, principal_of
from tests.support.actors import Headers, make_key
from tests.support.desk import fetch

WROTE: Final = "SELECT label FROM api_keys WHERE label = 'written'"
REVOKE: Final = "UPDATE api_keys SET revoked_at = now() WHERE secret_hash = $1"
RENAME: Final = "UPDATE api_keys SET label = 'renamed' WHERE secret_hash = $1"


class Desk:
    """A handler that writes in one transaction, between what a test does before and after it looks at the key."""

    def __init__(self, state: State, key: Headers) -> None:
        self.state, self.secret = state, key["Authorization"].removeprefix("Bearer ")
        self.identify: Any = presume
        self.meanwhile = ""
        self.handled = 0

    async def __call__(self, request: Request) -> Response:
        self.handled += 1
        await self.identify(request)
        if self.meanwhile:
            await fetch(self.state.sessions, self.meanwhile, hash_key(self.secret))
            self.meanwhile = ""
            if CHECKED in request.scope:
                request.scope[CHECKED] -= callers.FRESH
        await run(self.state.sessions, self._write)
        return Response(status_code=204)

    async def _write(self, session: Any) -> None:
        await (await driver(session)).execute(
            "INSERT INTO api_keys (id, kind, secret_hash, hint, label, created_at)"
            " VALUES ('key_written', 'admin', sha256('written'), '', 'written', now())"
        )

    async def ask(self) -> Response:
        """What a request with the key is answered."""
        app = FastAPI()
        app.state.heliodesk = self.state
        headers = [(b"authorization", f"Bearer {self.secret}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "app": app}
        return await handle_checked(self, Request(scope))


@pytest.fixture
async def desk(state: State, sessions: Sessions) -> Desk:
    desk = Desk(state, await make_key(sessions, "agent"))
    await state.keyring.principal(desk.secret)
    return desk


async def test_an_operation_that_forgets_to_check_a_remembered_key_commits_nothing_for_a_revoked_one(
    desk: Desk, sessions: Sessions
) -> None:
    await fetch(sessions, REVOKE, hash_key(desk.secret))
    with pytest.raises(Unauthorized):
        await desk.ask()
    assert await fetch(sessions, WROTE) == []


async def test_it_is_handled_again_for_a_key_that_has_changed(desk: Desk, sessions: Sessions) -> None:
    await fetch(sessions, RENAME, hash_key(desk.secret))
    assert (await desk.ask()).status_code == 204
    assert (desk.handled, len(await fetch(sessions, WROTE))) == (2, 1)


@pytest.mark.parametrize(
    ("change", "refusal"), [(REVOKE, Unauthorized), (RENAME, Unavailable)], ids=["revoked", "changed"]
)
async def test_a_key_that_was_checked_long_before_the_commit_is_checked_again(
    desk: Desk, sessions: Sessions, change: str, refusal: type[Exception]
) -> None:
    desk.identify, desk.meanwhile = principal_of, change
    with pytest.raises(refusal):
        await desk.ask()
    assert await fetch(sessions, WROTE) == []
    assert desk.handled == 1, "an earlier transaction may have committed"
