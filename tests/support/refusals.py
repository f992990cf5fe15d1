"""What a refusal says of the limit that is reached."""

import httpx

from app.core.clock import monotonic
from app.core.limits.buckets import Rate
from app.core.state import State


def reached(answer: httpx.Response) -> tuple[str, int, int]:
    """The limit's name, its value and how much of it is used."""
    problem = answer.json()
    return problem["quota"], problem["value"], problem["used"]


def use_up_requests(state: State, account_id: str) -> None:
    """Leave the account no request for this minute."""
    rate = Rate("rate_per_account", state.settings.rate_per_account)
    state.limits.rates.bucket(rate, account_id).take(monotonic(), 2 * rate.amount)
