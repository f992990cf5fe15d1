"""How many endpoints an account may have, and how much may wait for them. Pure."""

from typing import Final

from app.core.limits.quotas import Quota
from app.events.envelope import NO_ACCOUNT
from app.webhooks.rules.pausing import OPERATORS

ENDPOINTS: Final = Quota(
    "endpoints",
    "max_endpoints",
    "(SELECT count(*) FROM webhook_endpoints WHERE account_id IS NOT DISTINCT FROM $1::text)",
)
PENDING: Final = Quota(
    "pending_deliveries",
    "max_pending_deliveries",
    f"""(
    SELECT count(*) FROM deliveries AS d JOIN webhook_endpoints AS w ON w.id = d.endpoint_id
    WHERE d.owner_id = coalesce($1::text, '{NO_ACCOUNT}') AND d.state = 'pending')""",  # noqa: S608  our own text
    operator=OPERATORS,
)
"""Beyond it endpoints pause. Nothing that is recorded is refused for it, only what asks for deliveries themselves."""
