"""Signed links to a monthly report, which open it without a key until they expire. Pure."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.reports.monthly.months import Month

PATH: Final = "/r/"
"""Where the pages are."""
_ACCOUNT: Final = "acc_"
_TOKEN: Final = re.compile(
    r"(?P<account>[0-7][0-9a-hjkmnp-tv-z]{25})(?P<year>[0-9]{4})(?P<month>0[1-9]|1[0-2])-(?P<ends>[0-9]{1,11})-(?P<seal>[a-z2-7]{32})"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opens."""

    account_id: str
    month: Month
    expires_at: datetime


def report_token(secret: str, opened: Opened) -> str:
    """The token of a link, as it stands in an address."""
    own = f"{opened.account_id.removeprefix(_ACCOUNT)}{opened.month.first:%Y%m}-{int(opened.expires_at.timestamp())}"
    return f"{own}-{_seal(secret, own)}"


def opened_by(secret: str, token: str, now: datetime) -> Opened | None:
    """What a token opens; None for one that was not made with the secret, or that has expired."""
    found = _TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(_seal(secret, token.rpartition("-")[0]), found["seal"]):
        return None
    expires_at = datetime.fromtimestamp(int(found["ends"]), UTC)
    if expires_at <= now:
        return None
    return Opened(_ACCOUNT + found["account"], Month.named(f"{found['year']}-{found['month']}"), expires_at)


def _seal(secret: str, text: str) -> str:
    """160 bits: whoever has it reads the report."""
    digest = hmac.digest(secret.encode(), f"monthly report\n{text}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:20]).decode().lower()
