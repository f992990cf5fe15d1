"""How many ways and rules an engineer may have. Pure."""

from typing import Final

from app.core.limits.quotas import Quota

METHODS: Final = Quota(
    "methods_per_engineer",
    "max_contact_methods",
    "(SELECT count(*) FROM contact_methods WHERE engineer_id = $1::text)",
    """(
    SELECT coalesce(max(number), 0) FROM (
        SELECT count(*) AS number FROM contact_methods AS t JOIN engineers AS e ON e.id = t.engineer_id
        WHERE e.account_id = $1::text GROUP BY e.id
    ) AS of_engineers
)""",
)
RULES: Final = Quota(
    "rules_per_engineer",
    "max_notification_rules",
    "(SELECT count(*) FROM notification_rules WHERE engineer_id = $1::text)",
    """(
    SELECT coalesce(max(number), 0) FROM (
        SELECT count(*) AS number FROM notification_rules AS t JOIN engineers AS e ON e.id = t.engineer_id
        WHERE e.account_id = $1::text GROUP BY e.id
    ) AS of_engineers
)""",
)
