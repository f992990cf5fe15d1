"""Links by which an engineer answers an alert from a message, without a key: random, stored hashed, for one alert."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import hash_key
from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.db.statements.housekeeping import forget
from app.core.settings import Settings
from app.notices.models import AlertLinkRow

PATH: Final = "/a/"
"""Where the page is: short, for messages that are sent by SMS."""
MUTE_PATH: Final = "/m/"
"""Where somebody ends the mails about a ticket."""
_INSERT: Final = """
INSERT INTO alert_links (token_hash, account_id, alert_id, engineer_id)
SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[])
"""
_OVER: Final = "t.created_at < now() - interval '30 days'"


@dataclass(frozen=True, slots=True)
class Whose:
    """Which alert a link answers, and for whom."""

    account_id: str
    alert_id: str
    engineer_id: str


def site(settings: Settings) -> str | None:
    """What the addresses of this service begin with, as people reach it; None where nobody has said it."""
    return str(settings.public_url).rstrip("/") if settings.public_url else None


def link_base(settings: Settings) -> str | None:
    """What a link that answers an alert begins with; None as above."""
    return f"{base}{PATH}" if (base := site(settings)) else None


def help_path(ticket_id: str, secret: str) -> str:
    """Where a ticket is read with this secret, which browsers do not send with the address."""
    return f"/help#{ticket_id}/{secret}"


def mute_path(token: str) -> str:
    """Where the person of this token ends the mails about their ticket, and asks for them again."""
    return f"{MUTE_PATH}{token}"


async def create_links(session: AsyncSession, whose: Sequence[Whose]) -> list[str]:
    """A new secret for each, in their order; only the hashes are kept."""
    tokens = [f"hd_answer_{secrets.token_hex(20)}" for _ in whose]
    if whose:
        columns = zip(*((one.account_id, one.alert_id, one.engineer_id) for one in whose), strict=True)
        await (await driver(session)).execute(_INSERT, [hash_key(token) for token in tokens], *map(list, columns))
    return tokens


async def find_link(session: AsyncSession, token: str) -> Whose | None:
    """Which alert this secret answers; None for one that is not known."""
    found = await session.get(AlertLinkRow, hash_key(token))
    return Whose(found.account_id, found.alert_id, found.engineer_id) if found else None


async def forget_links(sessions: Sessions) -> None:
    """Drop links whose alerts have long been over."""
    await forget(sessions, AlertLinkRow, _OVER)
