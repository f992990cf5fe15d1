from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.accounts.terms import effective_plan

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class _Account:
    plan: str = "standard"
    product_plans: dict[str, str] = field(default_factory=dict)
    trial_ends_at: datetime | None = None


def _trial(key: str) -> str | None:
    return {"standard": "premium"}.get(key)


def test_z3_a_trial_gets_the_premium_plan_for_its_length() -> None:
    account = _Account(trial_ends_at=NOW)
    assert effective_plan(account, None, NOW - timedelta(microseconds=1), _trial) == "premium"
    assert effective_plan(account, "anything", NOW - timedelta(days=1), _trial) == "premium"


def test_z3_after_the_trial_the_bought_plan_holds() -> None:
    account = _Account(trial_ends_at=NOW)
    assert effective_plan(account, None, NOW, _trial) == "standard"
    assert effective_plan(_Account(), None, NOW, _trial) == "standard"


def test_z3_a_plan_without_a_trial_plan_stays() -> None:
    account = _Account(plan="premium", trial_ends_at=NOW + timedelta(days=1))
    assert effective_plan(account, None, NOW, _trial) == "premium"


def test_z4_a_product_can_have_its_own_plan_beside_the_others() -> None:
    account = _Account(product_plans={"free-tool": "community"}, trial_ends_at=NOW + timedelta(days=1))
    assert effective_plan(account, "free-tool", NOW, _trial) == "community"
    assert effective_plan(account, "backup", NOW, _trial) == "premium"
    assert effective_plan(account, "backup", NOW + timedelta(days=2), _trial) == "standard"
