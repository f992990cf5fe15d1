"""What is answered about quotas."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from app.core.schemas.shared import Document

_ACCOUNT: Final = "acc_01k9z3v5q8e9rbn3wz4m6t7y2a"
_USAGE: Final[dict[str, Any]] = {
    "account_id": _ACCOUNT,
    "quotas": [
        {"quota": "endpoints", "value": 100, "used": 3},
        {"quota": "pending_deliveries", "value": 50_000, "used": 12},
        {"quota": "hook_bytes", "value": 268_435_456, "used": 40_816},
    ],
}


class QuotaUsage(Document):
    """One quota, by the name that a problem document gives it."""

    quota: str
    value: int | None = Field(description="How many there may be; null where the operator has set no limit")
    used: int = Field(description="How many there are. May exceed the value if that was lowered: nothing is removed")


class Usage(Document):
    """What an account has used of each of its quotas."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USAGE]})

    account_id: str
    quotas: list[QuotaUsage]
