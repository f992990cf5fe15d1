"""Quotas: how many of something one account may have. Pure.

What is there is counted without a lock, so that requests at the same instant may exceed a quota by their number.
"""

from dataclasses import dataclass

from app.core.problems import QuotaExceeded


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit by its public name, such as ``endpoints``."""

    name: str
    value: int

    def check(self, used: int, more: int = 1) -> None:
        """409 unless there is room for ``more`` beside what is ``used``."""
        if used + more > self.value:
            raise QuotaExceeded(
                f"The quota {self.name} is {self.value}, and {used} are used",
                quota=self.name,
                value=self.value,
                used=used,
            )
