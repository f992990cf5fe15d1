"""Every quota of an account, with what is used of it."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.quotas import KEYS, PEOPLE
from app.core.db.session import driver
from app.core.limits.quotas import Quota
from app.core.state import State
from app.files.quotas import FILE_BYTES
from app.inbound.quotas import BACKLOG, HOOK_BYTES, HOOKS, UNCHECKED_BYTES, WINDOWS
from app.paging.quotas import METHODS, RULES
from app.roster.quotas import ENGINEERS, OVERRIDES, REGIONS, TOKENS
from app.tickets.usecases.tags import TAGS
from app.webhooks.rules.quotas import ENDPOINTS, PENDING

STORED: Final[Sequence[Quota]] = (
    ENDPOINTS,
    PENDING,
    HOOKS,
    WINDOWS,
    BACKLOG,
    HOOK_BYTES,
    UNCHECKED_BYTES,
    KEYS,
    PEOPLE,
    TAGS,
    ENGINEERS,
    REGIONS,
    OVERRIDES,
    TOKENS,
    METHODS,
    RULES,
    FILE_BYTES,
)
"""What the database counts; the rest is counted by the process that answers."""
_COUNT: Final = f"SELECT ARRAY[{', '.join(quota.by_account for quota in STORED)}]::bigint[]"


async def usage_document(session: AsyncSession, state: State, account_id: str) -> dict[str, Any]:
    """The quotas of the account as they are answered; the account is there."""
    used = await (await driver(session)).fetchval(_COUNT, account_id)
    stored = [(quota.name, quota.value(state.settings), number) for quota, number in zip(STORED, used, strict=True)]
    quotas = [*stored, *_of_process(state, account_id)]
    return {
        "account_id": account_id,
        "quotas": [{"quota": name, "value": value, "used": number} for name, value, number in quotas],
    }


def _of_process(state: State, account_id: str) -> Sequence[tuple[str, int | None, int]]:
    """Streams and rates; a rate without a limit has no value."""
    settings, limits = state.settings, state.limits
    return (
        ("streams_per_account", settings.streams_per_account, state.streams.of_account(account_id)),
        ("tickets_per_minute", settings.tickets_per_minute or None, limits.tickets.used(account_id)),
        ("bytes_per_account", settings.bytes_per_account or None, limits.bytes_of(account_id)),
        ("rate_per_account", settings.rate_per_account or None, limits.requests_of(account_id)),
    )
