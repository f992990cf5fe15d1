"""The clock of a sandbox account, moved: everything due in between happens in order, by the live code."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.support.stories import P1, Begin, Story, path_of

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def at(hours: float) -> str:
    """An instant as the answers write it, in hours after the start."""
    return (START + hours * HOUR).isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A sandbox on a plan whose P1 runs around the clock."""
    return await begin("wati-business-plus", sandbox={"starts_at": START.isoformat()})


async def advance(story: Story, status: int = 200, /, **how: Any) -> Any:
    """What the customer's own key gets for moving the clock."""
    return await story.product.post(f"/v1/sandbox/{story.account.account_id}/advance", status, **how)


async def test_a_deadline_is_missed_once_its_instant_is_past(story: Story) -> None:
    ticket = await story.open(**P1)
    until = await advance(story, by="PT30M")
    assert (until["from"], until["now"], until["next"]) == (at(0), at(0.5), None)
    assert "deadline.missed" not in {event["type"] for event in until["events"]}
    past = await advance(story, to=at(1))
    missed, *_ = [event for event in past["events"] if event["type"] == "deadline.missed"]
    assert (missed["timestamp"], missed["data"]["metric"], missed["sandbox"]) == (at(0.5), "first_response", True)
    assert (missed["data"]["lag_ms"], missed["data"]["noticed_at"]) == (None, at(0.5).replace(".000000", ""))
    told = await story.events(path_of(ticket))
    assert [event["id"] for event in told][-len(past["events"]) :] == [event["id"] for event in past["events"]]
