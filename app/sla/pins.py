"""What a ticket pinned when it was opened, or when a plan was last applied to it (C14). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pins:
    """A plan version, the add-ons, the zone and the holidays in force at that instant. None of these ever changes."""

    plan_key: str
    plan_version: int
    addons: tuple[str, ...]
    time_zone: str
    holiday_set: str | None

    def document(self) -> dict[str, Any]:
        """``{key, version, addons, time_zone, holiday_set}``, as the event ``plan.applied`` tells it."""
        return {
            "key": self.plan_key,
            "version": self.plan_version,
            "addons": list(self.addons),
            "time_zone": self.time_zone,
            "holiday_set": self.holiday_set,
        }


def pins_from(document: Mapping[str, Any]) -> Pins:
    """The pins that ``Pins.document`` wrote."""
    return Pins(
        document["key"],
        document["version"],
        tuple(document["addons"]),
        document["time_zone"],
        document["holiday_set"],
    )
