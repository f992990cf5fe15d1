"""How much of a roster there may be: of a sandbox account, of one engineer, of one calendar. Pure."""

from typing import Final

from app.core.limits.quotas import Quota

ENGINEERS: Final = Quota("engineers", "max_engineers", "(SELECT count(*) FROM engineers WHERE account_id = $1::text)")
REGIONS: Final = Quota("regions", "max_regions", "(SELECT count(*) FROM regions WHERE account_id = $1::text)")
OVERRIDES: Final = Quota(
    "overrides_per_engineer",
    "max_overrides",
    "(SELECT count(*) FROM shift_overrides WHERE engineer_id = $1::text AND until > clock_timestamp())",
    """(
    SELECT coalesce(max(number), 0) FROM (
        SELECT count(*) AS number FROM shift_overrides AS o JOIN engineers AS e ON e.id = o.engineer_id
        WHERE e.account_id = $1::text AND o.until > clock_timestamp() GROUP BY e.id
    ) AS of_engineers
)""",
)
"""Those that are not over."""
TOKENS: Final = Quota(
    "tokens_per_calendar",
    "max_calendar_tokens",
    "(SELECT count(*) FROM calendar_tokens WHERE subject_id = $1::text)",
    """(
    SELECT coalesce(max(number), 0) FROM (
        SELECT count(*) AS number FROM calendar_tokens WHERE subject_id IN (
            SELECT id FROM engineers WHERE account_id = $1::text
            UNION ALL SELECT id FROM regions WHERE account_id = $1::text
        ) GROUP BY subject_id
    ) AS of_calendars
)""",
)
