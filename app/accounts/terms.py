"""PURE: which plan holds for a ticket of an account."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol


class Terms(Protocol):
    """What an account has bought."""

    @property
    def plan(self) -> str:
        """Key of the plan that holds for every product without its own."""

    @property
    def product_plans(self) -> Mapping[str, str]:
        """Plan keys by product."""

    @property
    def trial_ends_at(self) -> datetime | None:
        """Until then the account is on trial."""


def effective_plan(account: Terms, product: str | None, now: datetime, trial_plan: Callable[[str], str | None]) -> str:
    """The key of the plan that holds at ``now`` for this product.

    A product with its own plan has that one (Z4). While the account is on trial, the bought plan's trial plan takes
    its place where it has one (Z3); ``trial_plan`` tells it by the key of the bought one.
    """
    bought = account.product_plans.get(product, account.plan) if product else account.plan
    on_trial = account.trial_ends_at is not None and now < account.trial_ends_at
    return (trial_plan(bought) if on_trial else None) or bought
