"""How much room an account's files may take. Pure."""

from typing import Final

from app.core.limits.quotas import Quota

FILE_BYTES: Final = Quota(
    "file_bytes",
    "file_bytes_per_account",
    "(SELECT coalesce(sum(size), 0)::bigint FROM files WHERE account_id = $1::text AND state <> 'left_out')",
)
"""Those that are being sent are among them."""
