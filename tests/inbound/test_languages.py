"""What hooks say of payloads is read in the reader's language, also long after it was stored."""

from typing import Any, Final

import orjson
import pytest

from app.inbound.examples import PAGERDUTY
from tests.inbound.conftest import Desk
from tests.support.desk import fetch

BAD: Final[dict[str, Any]] = {"version": "4", "alerts": [None, {"status": "firing", "fingerprint": "f"}]}
EARLIER: Final = """
UPDATE receipts SET messages = NULL, state = 'failed', error = $1::text, omissions = jsonb_build_array($1::text),
    tickets = $2::text::jsonb
"""
POLISH: Final = {"Accept-Language": "pl"}


async def in_polish(desk: Desk, path: str) -> Any:
    answer = await desk.client.get(f"/v1/hooks/{desk.hook['id']}{path}", headers=desk.owner | POLISH)
    assert (answer.status_code, answer.headers.get("content-language")) == (200, "pl")
    assert "Accept-Language" in answer.headers["vary"]
    return answer.json()


async def test_a_receipt_says_what_was_left_out_in_its_readers_language(desk: Desk) -> None:
    answer = await desk.send(BAD, "/alertmanager", desk.key | POLISH)
    assert answer.json()["omissions"] == ["alerts/0 to nie obiekt, lecz null"]
    await desk.process()
    (english,) = await desk.receipts()
    assert english["omissions"] == ["alerts/0 is not an object, but null"]
    (listed,) = (await in_polish(desk, "/receipts"))["items"]
    assert listed["omissions"] == (await in_polish(desk, f"/receipts/{listed['id']}"))["omissions"]
    assert listed["omissions"] == ["alerts/0 to nie obiekt, lecz null"]


async def test_a_receipt_says_why_it_failed_in_its_readers_language(desk: Desk) -> None:
    english = await desk.post({"version": "4", "alerts": [None, 7]}, "/alertmanager")
    assert english["error"] == "alerts/0 is not an object, but null; alerts/1 is not an object, but a number"
    (polish,) = (await in_polish(desk, "/receipts"))["items"]
    assert polish["error"] == "alerts/0 to nie obiekt, lecz null; alerts/1 to nie obiekt, lecz liczba"


@pytest.mark.parametrize(
    ("stored", "polish"),
    [
        ("The event is not a JSON object", "Zdarzenie nie jest obiektem JSON"),
        ("alerts/0 is null, and not an object", "alerts/0 is null, and not an object"),
    ],
)
async def test_what_an_earlier_version_stored_is_read_as_it_is(desk: Desk, stored: str, polish: str) -> None:
    await desk.post(BAD, "/alertmanager")
    touched = [{"ticket_id": "tkt_1", "action": "told"}]
    await fetch(desk.sessions, EARLIER, stored, orjson.dumps(touched).decode())
    (receipt,) = (await in_polish(desk, "/receipts"))["items"]
    assert (receipt["error"], receipt["omissions"]) == (polish, [polish])
    assert receipt["tickets"] == [{"ticket_id": "tkt_1", "action": "notified"}]


async def test_a_trial_and_a_refusal_are_in_the_language_of_the_request(desk: Desk) -> None:
    path = f"/v1/hooks/{desk.hook['id']}/try"
    answer = await desk.client.post(path, json={"payload": {"message": "x"}}, headers=desk.owner | POLISH)
    (signal,) = answer.json()["signals"]
    assert (signal["key_from"], signal["warning"][:27]) == ("bajty komunikatu", "Żaden późniejszy komunikat ")
    refused = await desk.send(PAGERDUTY | {"event_action": "shout"}, "/v2/enqueue", desk.key | POLISH)
    expected = "'event_action' musi mieć jedną z wartości: trigger, acknowledge, resolve"
    assert (refused.status_code, refused.json()["errors"]) == (400, [expected])


async def test_a_ticket_of_an_alert_without_words_is_in_the_customers_language(desk: Desk) -> None:
    await fetch(desk.sessions, "UPDATE accounts SET locale = 'de' WHERE account_id = $1", desk.account_id)
    alert = {"status": "firing", "labels": {"instance": "h1"}, "generatorURL": "https://prometheus.example/1"}
    await desk.post({"version": "4", "alerts": [alert]}, "/alertmanager")
    (ticket,) = await desk.tickets()
    assert ticket["title"] == "Alarm auf h1"
    assert "Quelle: https://prometheus.example/1" in ticket["description"]
