"""How many hooks an account may have, and what they may keep. ``usecases/receive.py`` holds senders to the latter."""

from typing import Final

from app.core.limits.quotas import Quota
from app.inbound.payloads import UNCHECKED

ALL_HOOKS: Final = 2
"""All hooks of an account together may have so many times what one may have waiting."""
HOOKS: Final = Quota("hooks", "max_hooks", "(SELECT count(*) FROM hooks WHERE account_id = $1::text)")
WINDOWS: Final = Quota(
    "maintenance_windows",
    "max_maintenance_windows",
    """(
    SELECT count(*) FROM maintenance_windows
    WHERE account_id = $1::text AND due_at IS NOT NULL AND ended_at IS NULL
)""",
)
"""Those that are not over."""
BACKLOG: Final = Quota(
    "hook_backlog",
    "hook_backlog",
    shown="""(
    SELECT count(*) FROM hooks AS h JOIN receipts AS r ON r.hook_id = h.id AND r.state = 'pending'
    WHERE h.account_id = $1::text
)""",
    factor=ALL_HOOKS,
)
_KEPT: Final = "(SELECT coalesce(sum(bytes), 0)::bigint FROM hook_payloads WHERE account_id = $1::text)"
HOOK_BYTES: Final = Quota("hook_bytes", "hook_bytes", shown=_KEPT)
UNCHECKED_BYTES: Final = Quota(
    "unchecked_hook_bytes",
    "unchecked_hook_bytes",
    shown=f"""(
    SELECT coalesce(sum(p.bytes), 0)::bigint FROM hook_payloads AS p
    JOIN hooks AS h ON h.account_id = p.account_id AND h.id = p.hook_id
    WHERE p.account_id = $1::text AND h.{UNCHECKED}
)""",  # noqa: S608  our own text
)
