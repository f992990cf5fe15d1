"""What an account lacks for its plan's promises to be kept. Pure."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from app.core.problems import Fault
from app.core.text.messages import _
from app.plans.document.model import PlanDocument

TAM_MISSING: Final = "tam_missing"
MANAGER_MISSING: Final = "manager_missing"


def warnings(
    roles: Collection[str], addons: Sequence[str], plans: Sequence[PlanDocument], *, stand_in: bool
) -> Iterator[tuple[str, Fault]]:
    """A code, and where it comes from, for each contact whom the account's ``plans`` would notify and who is not there.

    ``roles`` are those that the account has; ``stand_in``: whether the operator has a contact in a manager's place.
    """
    if "tam" not in roles and any(plan.tells_tam(addons) for plan in plans):
        detail = _("The account has bought a technical account manager, and has no contact for one: nobody is notified")
        yield TAM_MISSING, Fault(pointer="/tam", detail=detail)
    if "manager" not in roles and not stand_in and any(plan.tells_manager for plan in plans):
        detail = _("The account has no manager: nobody is notified of its missed deadlines and escalations")
        yield MANAGER_MISSING, Fault(pointer="/manager", detail=detail)
