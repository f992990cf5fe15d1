"""What is sent and answered about maintenance windows."""

from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from app.accounts.schemas import AccountId, HookId
from app.core.problems import invalid_value
from app.core.schemas.shared import ActorRef, Document, Instant, Strict, Word, id_pattern, no_nul
from app.core.text.messages import _
from app.events.schemas import Actor

WindowId = Annotated[str, StringConstraints(pattern=id_pattern("mnt"))]
WindowState: TypeAlias = Literal["scheduled", "active", "ended", "cancelled"]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(no_nul)]
_ACCOUNT: Final = "acc_01k9z3v5q8e9rbn3wz4m6t7y2a"
_HOOK: Final = "hook_01k9z3v5q8e9rbn3wz4m6t7y2d"
_WRITTEN: Final[dict[str, Any]] = {
    "starts_at": "2126-11-21T22:00:00+01:00",
    "ends_at": "2126-11-22T02:00:00+01:00",
    "reason": "Database upgrade",
}
_WINDOW: Final[dict[str, Any]] = {
    "id": "mnt_01k9z3v5q8e9rbn3wz4m6t7y2e",
    "account_id": _ACCOUNT,
    "hook_id": _HOOK,
    "product": None,
    "reason": "Database upgrade",
    "starts_at": "2126-11-21T21:00:00Z",
    "ends_at": "2126-11-22T01:00:00Z",
    "state": "scheduled",
    "created_by": {"kind": "customer", "id": "per_01k9z3v5q8e9rbn3wz4m6t7y2a", "name": "Ana Silva"},
    "version": 1,
    "created_at": "2026-11-20T20:30:00Z",
    "updated_at": "2026-11-20T20:30:00Z",
}


class MaintenanceWindowFields(Strict):
    """What can be written about a window, and changed later."""

    starts_at: Instant = Field(description="By the account's clock; a window whose start has passed begins at once")
    ends_at: Instant = Field(description="At most 31 days after the start")
    reason: Reason = ""


class NewMaintenanceWindow(MaintenanceWindowFields):
    """A new maintenance window: of one hook, of the hooks of one product, or of the whole account."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WRITTEN | {"account_id": _ACCOUNT, "hook_id": _HOOK}]})

    account_id: AccountId | None = Field(None, description="Needed with support's keys; else the key's own")
    hook_id: HookId | None = Field(None, description="Silence this hook alone")
    product: Word | None = Field(None, description="Silence the hooks that have this product")
    actor: ActorRef | None = Field(None, description="The person for whom the account's key acts")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.hook_id and self.product:
            raise invalid_value("scope", _("Name a hook or a product, not both"))
        return self


class MaintenanceWindow(Document):
    """A time in which alerts open nothing."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, json_schema_extra={"examples": [_WINDOW]})

    id: str
    account_id: str
    hook_id: str | None = Field(
        description="The one hook that is silenced; null: all of the product, or of the account"
    )
    product: str | None = Field(description="The one product whose hooks are silenced")
    reason: str
    starts_at: Instant
    ends_at: Instant
    state: WindowState = Field(description="`ended`: what still fired has been opened, or is being opened")
    created_by: Actor
    version: int
    created_at: Instant
    updated_at: Instant
