import re
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.events.examples import event_example
from app.events.types import EVENTS
from app.webhooks.formats.bodies import MAX_PROJECTED, Form, NotWanted, Unsendable, make_body

GUIDE = (Path(__file__).parents[3] / "docs" / "receivers" / "README.md").read_text(encoding="utf-8")


def made(event_type: str, projection: str | None, **data: Any) -> Any:
    told = event_example(event_type)
    row = told | {"timestamp": datetime.fromisoformat(told["timestamp"]), "data": told["data"] | data}
    return orjson.loads(make_body(Form("standard", "en", projection, internal=True), row))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_without_a_projection_the_event_is_sent_as_it_is(event: Any) -> None:
    assert made(event.type, None) == event_example(event.type)


@pytest.mark.parametrize("value", ["0", "[]", "{}", '""', "true", '[null, {"a": 1.5}]'])
def test_every_other_json_is_sent(value: str) -> None:
    assert made("call.ended", f"`{value}`") == orjson.loads(value)


@pytest.mark.parametrize("value", ["`null`", "`false`", "data.missing", "type == 'other'"])
def test_null_and_false_are_not_wanted(value: str) -> None:
    with pytest.raises(NotWanted):
        made("call.ended", value)


@pytest.mark.parametrize("value", ["abs(type)", "|".join(["[@,@]"] * 20), "type ==", "to_number('nan')"])
def test_what_cannot_be_made_says_why(value: str) -> None:
    with pytest.raises(Unsendable, match="projection failed"):
        made("call.ended", value)


def test_what_is_made_has_its_limit() -> None:
    assert len(made("ticket.opened", "[@,@,@]", description="x" * 20_000)) == 3
    with pytest.raises(Unsendable, match=f"{MAX_PROJECTED:,}"):
        made("ticket.opened", "[@,@,@,@]", description="x" * 20_000)


def test_the_guides_projections_do_what_it_says() -> None:
    (own,) = re.findall(r"^```\n(\{text: .*)\n```$", GUIDE, re.MULTILINE)
    (only,) = re.findall(r"`(ticket\.priority == .*?)` sends", GUIDE)
    opened = event_example("ticket.opened")
    assert made("ticket.opened", own) == {"text": "Ticket K7M-3QP has priority P1", "id": opened["ticket_id"]}
    assert made("ticket.opened", only) == {"text": opened["ticket"]["title"]}
    with pytest.raises(NotWanted):
        made("webhook.test", only)
