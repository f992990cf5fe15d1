"""Quotas: how many of something one owner may have at once. Pure; ``limits/places.py`` counts."""

from dataclasses import dataclass
from typing import Final

from app.core.problems import QuotaExceeded
from app.core.settings import Settings
from app.core.text.messages import Message, _

NOBODY: Final = "NULL::bigint"
"""SQL of what is not counted in the database."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit by its public name, such as ``endpoints``, and how what it limits is counted.

    ``owned`` and ``shown`` are SQL expressions of a number. In ``owned``, ``$1`` is whoever has the quota: an account,
    or a part of one, such as an engineer. In ``shown``, it is always the account, for ``GET .../usage``: where a quota
    holds for parts, it counts the part that has most. ``factor``: what is shown holds for so many times the setting.
    ``operator``: the operator may have so many times what one account may.
    """

    name: str
    setting: str
    owned: str = NOBODY
    shown: str = ""
    factor: int = 1
    operator: int = 1

    @property
    def by_account(self) -> str:
        """How many an account has."""
        return self.shown or self.owned

    def value(self, settings: Settings, *, of_operator: bool = False) -> int:
        """How many there may be."""
        value: int = getattr(settings, self.setting)
        return value * (self.operator if of_operator else self.factor)

    def check(self, used: int, most: int, more: int = 1) -> None:
        """409 unless there is room for ``more`` beside what is ``used``."""
        if used + more > most:
            raise QuotaExceeded(self._refusal(used, most, more), quota=self.name, value=most, used=used)

    def _refusal(self, used: int, most: int, more: int) -> Message:
        if more > 1:
            form = _("The quota {name} is {most}, with {used} already in use; this request needs {more} more")
            return form.given(name=self.name, most=most, used=used, more=more)
        return _("The quota {name} is {most}, with {used} already in use", name=self.name, most=most, used=used)
