"""Each sender's payload, and the signals that it comes down to."""

from typing import Any

import orjson
import pytest

from app.inbound.examples import CLOUDEVENT, GENERIC, GRAFANA, PAGERDUTY
from app.inbound.formats.cloudevents import BATCH, STRUCTURED
from app.inbound.formats.generic import Interpretation
from app.inbound.formats.reading import read
from app.inbound.formats.signal import Batch, Link, Signal, Unreadable
from tests.inbound.conftest import payload


def read_as(name: str, body: Any, fields: dict[str, str] | None = None, /, **headers: str) -> Batch:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return read(name, orjson.dumps(body), named, "rcp_1", Interpretation(fields or {}))


def only(batch: Batch) -> Signal:
    (signal,) = batch.signals
    return signal


def test_alertmanager_as_it_was_captured() -> None:
    batch = read_as("alertmanager", payload("mixed-one-resolved"))
    assert [(signal.key, signal.status) for signal in batch.signals] == [
        ("d01538c71dcf3f4e", "firing"),
        ("9eabd6bd36a37ca3", "firing"),
        ("06fde51a4bdb38c5", "resolved"),
    ]
    signal = batch.signals[0]
    assert (signal.title, signal.starts_at) == ("DiskFull on h2", "2026-11-21T19:29:37Z")
    assert signal.labels["severity"] == "critical"
    assert signal.group == '{}:{alertname="DiskFull", cluster="eu"}'
    assert [link.text for link in signal.links] == ["Runbook", "Source"]


def test_an_alert_without_a_fingerprint_is_known_by_its_labels() -> None:
    alerts = [
        {"status": "firing", "labels": {"a": "1", "b": "2"}},
        {"status": "resolved", "labels": {"b": "2", "a": "1"}},
    ]
    first, second = read_as("alertmanager", {"alerts": alerts}).signals
    assert first.key == second.key
    assert first.title == "Alert"


def test_grafana_has_further_links() -> None:
    signal = only(read_as("grafana", GRAFANA))
    assert Link("Dashboard", "https://grafana.example.com/d/disk") in signal.links
    assert (signal.key, signal.status) == ("06fde51a4bdb38c5", "firing")


def test_a_pagerduty_event() -> None:
    more = {
        "links": [{"href": "https://a.example", "text": "Graph"}, {"href": "javascript:alert(1)"}, 7],
        "client_url": "https://b.example",
        "payload": PAGERDUTY["payload"] | {"custom_details": {"used": "97 %"}, "group": "disks"},
    }
    signal = only(read_as("pagerduty", PAGERDUTY | more))
    assert (signal.key, signal.status, signal.title, signal.group) == ("disk/h1", "firing", "Disk full on h1", "disks")
    assert signal.labels == {"severity": "critical", "source": "h1", "component": "disk", "group": "disks"}
    assert signal.links == (Link("Source", "https://b.example"), Link("Graph", "https://a.example"))
    assert '"used": "97 %"' in signal.text
    acknowledged = only(read_as("pagerduty", {"event_action": "acknowledge", "dedup_key": "disk/h1"}))
    assert (acknowledged.key, acknowledged.status) == ("disk/h1", "acknowledged")


def test_a_cloudevent_in_each_mode_is_the_same() -> None:
    structured = only(read_as("cloudevents", CLOUDEVENT, content_type=f"{STRUCTURED}; charset=utf-8"))
    attributes = {f"ce_{name}": value for name, value in CLOUDEVENT.items() if isinstance(value, str)}
    binary = only(read_as("cloudevents", CLOUDEVENT["data"], content_type="application/json", **attributes))
    batch = read_as("cloudevents", [CLOUDEVENT, CLOUDEVENT | {"id": "2"}], content_type=BATCH)
    assert structured == binary == batch.signals[0]
    assert (structured.key, structured.title) == ("/monitors/disk/A234-1234-1234", "h1")
    assert structured.text == "97 % of /var is used"
    assert structured.labels == {
        "source": "/monitors/disk",
        "type": "com.example.disk.full",
        "subject": "h1",
        "severity": "critical",
    }
    assert [signal.key for signal in batch.signals] == ["/monitors/disk/A234-1234-1234", "/monitors/disk/2"]


def test_cloudevents_of_one_thing_are_one_alert_where_an_expression_says_so() -> None:
    fields = {
        "key": "join('/', [source, subject])",
        "status": "ends_with(type, '.recovered') && 'resolved' || 'firing'",
    }
    over = CLOUDEVENT | {"id": "2", "type": "com.example.disk.recovered"}
    first, second = read_as("cloudevents", [CLOUDEVENT, over], fields, content_type=BATCH).signals
    assert (first.key, first.status) == ("/monitors/disk/h1", "firing")
    assert (second.key, second.status) == ("/monitors/disk/h1", "resolved")


def test_any_json_by_its_usual_members() -> None:
    signal = only(read_as("generic", GENERIC))
    assert (signal.key, signal.status, signal.title) == ("disk/h1", "firing", "Disk full on h1")
    assert signal.labels == {"severity": "critical"}
    assert signal.links == (Link("Source", "https://monitor.example.com/disk/h1"),)
    unnamed = {"message": "It burns", "severity": "critical"}
    assert only(read_as("generic", unnamed)) == only(read_as("generic", unnamed))
    assert only(read_as("generic", unnamed)).key != only(read_as("generic", unnamed | {"a": 1})).key
    assert only(read_as("generic", unnamed)).labels["severity"] == "critical"


@pytest.mark.parametrize(
    ("status", "read_status"),
    [
        ("resolved", "resolved"),
        ("OK", "resolved"),
        ("Recovered", "resolved"),
        (False, "resolved"),
        (True, "firing"),
        ("Triggered", "firing"),
        (None, "firing"),
        ({"a": 1}, "firing"),
        ("ack", "acknowledged"),
    ],
)
def test_the_words_of_a_status(status: Any, read_status: str) -> None:
    assert only(read_as("generic", {"key": "k", "status": status})).status == read_status


def test_any_json_by_expressions() -> None:
    body = {
        "events": [
            {"monitor": {"id": 7, "name": "Checkout"}, "transition": "Recovered", "tags": {"env": "prod"}, "link": "x"},
            {"monitor": {"id": 8, "name": "Search"}, "transition": "Triggered", "tags": {}, "level": 2},
        ]
    }
    fields = {
        "each": "events",
        "key": "to_string(monitor.id)",
        "title": "monitor.name",
        "status": "transition",
        "labels": "merge(tags, {severity: level == `2` && 'critical' || 'warning'})",
    }
    first, second = read_as("generic", body, fields).signals
    assert (first.key, first.title, first.status, first.labels["severity"]) == ("8", "Search", "firing", "critical")
    assert (second.key, second.status, second.labels["env"]) == ("7", "resolved", "prod")


def test_an_expression_that_cannot_be_applied_says_which() -> None:
    with pytest.raises(Unreadable, match="'key' cannot be applied"):
        read_as("generic", {"a": 1}, {"key": "join('/', a)"})


def test_expressions_share_a_budget_over_a_payload() -> None:
    heavy = {"labels": "[*].[@,@,@,@,@,@,@,@,@,@][]"}
    with pytest.raises(Unreadable, match="'labels'"):
        read_as("generic", [[0] * 500] * 1_000, heavy)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("alertmanager", []),
        ("alertmanager", {"alerts": {}}),
        ("alertmanager", {"alerts": [1]}),
        ("alertmanager", {"alerts": [{"status": "silenced"}]}),
        ("grafana", {"state": "ok"}),
        ("pagerduty", {"event_action": "trigger"}),
        ("cloudevents", {"id": "1"}),
        ("cloudevents", [1]),
    ],
)
def test_what_is_not_of_the_format_says_so(name: str, body: Any) -> None:
    with pytest.raises(Unreadable):
        read_as(name, body, content_type=STRUCTURED)
