"""The lookup of a key against a database that closes connections."""

import httpx
from sqlalchemy import text

from app.core.db import Sessions


async def test_connections_that_the_server_closed_are_replaced(
    client: httpx.AsyncClient, admin: dict[str, str], sessions: Sessions
) -> None:
    assert (await client.get("/v1/keys", headers=admin)).status_code == 200
    async with sessions() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    for _ in range(3):
        assert (await client.get("/v1/keys", headers=admin)).status_code == 200
