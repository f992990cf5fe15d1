"""What is sent and answered about shift overrides."""

from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from app.core.problems import invalid_value
from app.core.schemas.shared import Document, Instant, Strict, id_pattern
from app.core.text.messages import _
from app.roster.schemas import EngineerId

OverrideId = Annotated[str, StringConstraints(pattern=id_pattern("ovr"))]
_COVERED: Final = "eng_01k9z3v5q8e9rbn3wz4m6t7y2d"
COVER: Final = "eng_01k9z3v5q8e9rbn3wz4m6t7y2e"
"""Who covers in the examples."""
_OVERRIDE: Final[dict[str, Any]] = {
    "covered_by": COVER,
    "from": "2026-12-24T08:00:00Z",
    "until": "2026-12-25T08:00:00Z",
}
_MADE: Final = {"created_at": "2026-11-20T20:30:00Z"}


class NewOverride(Strict):
    """Somebody works the engineer's shifts, from ``from`` on and before ``until``."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OVERRIDE]})

    covered_by: EngineerId = Field(description="Who works the shifts: another engineer of the same roster")
    since: Instant = Field(alias="from")
    until: Instant

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until <= self.since:
            raise invalid_value("override", _("An override ends after it begins"))
        return self


class Override(Document):
    """A shift override."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": "ovr_01k9z3v5q8e9rbn3wz4m6t7y2d", "engineer_id": _COVERED, **_OVERRIDE, **_MADE}]
        },
    )

    id: OverrideId
    engineer_id: EngineerId = Field(description="Whose shifts they are")
    covered_by: EngineerId = Field(description="Who works them")
    since: Instant = Field(alias="from")
    until: Instant
    created_at: Instant
