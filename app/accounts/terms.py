"""PURE: which plan holds for a ticket of an account."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from app.core.problems import Conflict
from app.core.text.messages import _


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


class _Found(Protocol):
    """A plan's newest version in force."""

    @property
    def trial(self) -> str | None:
        """Key of the plan that takes its place while an account is on trial."""


Found = TypeVar("Found", bound=_Found)


def effective_plan(account: Terms, product: str | None, now: datetime, trial_plan: Callable[[str], str | None]) -> str:
    """The key of the plan that holds at ``now`` for this product.

    A product with its own plan has that one (Z4). While the account is on trial, the bought plan's trial plan takes
    its place where it has one (Z3); ``trial_plan`` tells it by the key of the bought one.
    """
    bought = account.product_plans.get(product, account.plan) if product else account.plan
    on_trial = account.trial_ends_at is not None and now < account.trial_ends_at
    return (trial_plan(bought) if on_trial else None) or bought


async def plan_in_force(
    account: Terms, product: str | None, now: datetime, newest: Callable[[str], Awaitable[Found | None]]
) -> Found:
    """The plan that holds at ``now`` for this product; ``newest`` finds a key's newest version in force.

    409 where the key of the account has none.
    """
    key = effective_plan(account, product, now, lambda _: None)
    bought = _existing(key, await newest(key))
    held = effective_plan(account, product, now, lambda _: bought.trial)
    return bought if held == key else _existing(held, await newest(held))


def _existing(key: str, found: Found | None) -> Found:
    if found is None:
        raise Conflict(_("The account's plan {key} has no version in force", key=key))
    return found
