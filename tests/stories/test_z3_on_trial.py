"""Z3: an account on trial has the premium plan for the trial's length, whatever it has bought."""

import pytest

from tests.support.stories import Begin, due

TRIAL = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}, "trial_ends_at": "2026-11-24T12:00:00Z"}


@pytest.mark.parametrize("bought", ["zmanda-standard", "zmanda-community"])
async def test_z3_a_trial_gives_premium_and_then_what_was_bought(begin: Begin, bought: str) -> None:
    story = await begin(bought, **TRIAL)
    ticket = await story.open(priority="P1")
    assert (ticket["plan"]["key"], due(ticket, "first_response")) == ("zmanda-premium", "2026-11-23T12:15:00Z")
    await story.pass_time("PT24H")
    assert (await story.open(priority="P1"))["plan"]["key"] == bought
