"""How many people and keys an account may have. Pure."""

from typing import Final

from app.core.limits.quotas import Quota

PEOPLE: Final = Quota("people", "max_people", "(SELECT count(*) FROM people WHERE account_id = $1::text)")
KEYS: Final = Quota(
    "keys",
    "max_keys",
    """(
    SELECT count(*) FROM api_keys WHERE account_id = $1::text AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > clock_timestamp())
)""",
)
"""Those of hooks are among them; a hook's own are made without asking, so that a secret can always be rotated."""
