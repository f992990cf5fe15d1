"""What needs no database: a ticket's record, its views, and the rules of statuses and priorities."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.auth import Principal
from app.events.examples import event_example
from app.events.types.tickets import TicketFacts, TicketOpened
from app.plans.document.parsing.documents import parse_yaml
from app.plans.store import BUILTIN
from app.tickets.api.examples import TICKET as TICKET_EXAMPLE
from app.tickets.models import TicketRow
from app.tickets.read.views import TICKET, call_view, deadline_view, message_view, ticket_view
from app.tickets.record import TicketRecord, columns
from app.tickets.rules import allowed, assess, channel_faults, customer_may_set, missing_texts
from app.tickets.schemas import Call, Deadline, Message, Ticket, TicketFields

APP = Path(__file__).resolve().parents[2] / "app"
EVENT_EXAMPLE = event_example("ticket.opened")["data"]
SUPPORT, CUSTOMER = Principal("agent", "key_1"), Principal("account", "key_2", "acc_1")
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
STANDARD = parse_yaml((BUILTIN / "zmanda-standard.yaml").read_text(encoding="utf-8"))
GOOGLE = parse_yaml((BUILTIN / "google-premium.yaml").read_text(encoding="utf-8"))


def test_a_record_has_the_columns_of_its_table_and_their_defaults() -> None:
    needed = {name: name for name in columns() if name not in ("product", "status", "tier")}
    record = TicketRecord(**needed)
    assert record.row() == dict.fromkeys(columns()) | needed | {"product": None, "status": "new", "tier": 1}
    assert list(record.row()) == [column.name for column in TicketRow.__table__.columns]
    with pytest.raises(TypeError, match="title"):
        TicketRecord(**{name: value for name, value in needed.items() if name != "title"})


def test_records_views_and_events_derive_their_fields() -> None:
    """A field of a ticket is a column that is given when the ticket is opened, is told then, and is shown always."""
    shown = set(Ticket.model_fields)
    assert TicketFields.model_fields.keys() <= set(columns())
    assert TicketFields.model_fields.keys() <= shown
    worked_out = {
        "assessed_priority",
        "routing",
        "watchers",
        "attachments",
    }  # support's own; an empty list where there is none
    assert set(TICKET) == shown & set(columns()) - worked_out
    assert TicketFacts.model_fields.keys() <= set(TICKET) & TicketOpened.model_fields.keys()
    assert TicketFacts.model_fields.keys() <= TICKET_EXAMPLE.keys() & EVENT_EXAMPLE.keys()


def test_a_new_field_is_written_in_five_places() -> None:
    """``custom`` is a field that no rule reads: beside its migration it stands where every field has to."""
    declared = re.compile(r"^ +\"?custom\"?:", re.MULTILINE)
    sources = [path for folder in ("tickets", "events") for path in (APP / folder).rglob("*.py")]
    places = Counter(path.name for path in sources for _ in declared.findall(path.read_text()))
    assert places == {"models.py": 1, "schemas.py": 2, "examples.py": 1}  # taken and shown: two schemas


def deadline_row(metric: str, **facts: Any) -> dict[str, Any]:
    return dict.fromkeys((*Deadline.model_fields, "subject")) | {"id": "ddl_1", "metric": metric} | facts


def ticket_row() -> dict[str, Any]:
    return dict.fromkeys(columns()) | {"sandbox": False, "assignee_id": "eng_1", "plan_key": "gold", "plan_version": 2}


def test_views_show_what_the_contract_names() -> None:
    rows = [deadline_row("update")]
    view = ticket_view(ticket_row(), rows, dict.fromkeys(Call.model_fields), SUPPORT)
    assert view.keys() == Ticket.model_fields.keys()
    plan = {"key": "gold", "version": 2, "programme_url": "/programmes/gold?version=2"}
    assert (view["assignee"], view["plan"]) == ("eng_1", plan)
    assert view["deadlines"][0].keys() == Deadline.model_fields.keys()
    assert view["call"].keys() == Call.model_fields.keys()
    assert call_view(dict.fromkeys(Call.model_fields)).keys() == Call.model_fields.keys()
    assert message_view(dict.fromkeys(Message.model_fields), internal=True).keys() == Message.model_fields.keys()


def test_customers_do_not_see_supports_own_deadlines() -> None:
    rows = [deadline_row(metric) for metric in ("update", "escalation_ack", "alert_ack", "call_join")]
    seen = {
        principal.kind: [d["metric"] for d in ticket_view(ticket_row(), rows, None, principal)["deadlines"]]
        for principal in (SUPPORT, CUSTOMER)
    }
    assert seen == {"agent": ["update", "escalation_ack", "alert_ack", "call_join"], "account": ["update", "call_join"]}


def test_the_lag_is_real_time_only() -> None:
    row = deadline_row("update", missed_at=AT, noticed_at=AT + timedelta(microseconds=1500), subject="")
    assert deadline_view(row, sandbox=False)["lag_ms"] == 1.5
    assert deadline_view(row, sandbox=True)["lag_ms"] is None
    assert deadline_view(row | {"noticed_at": None}, sandbox=False)["lag_ms"] is None
    assert deadline_view(row, sandbox=False)["subject"] is None


@pytest.mark.parametrize(
    ("asked", "impact", "urgency", "expected"),
    [
        ("P4", "large", "high", ("P4", "requested", "P1")),
        (None, "large", "high", ("P1", "matrix", "P1")),
        (None, None, "high", ("P3", "default", None)),
        ("P2", None, None, ("P2", "requested", None)),
    ],
)
def test_the_priority_of_a_new_ticket(
    asked: str | None, impact: str | None, urgency: str | None, expected: tuple[str, str, str | None]
) -> None:
    found = assess(STANDARD, asked, impact, urgency)
    assert (found.priority, found.source, found.matrix) == expected


def test_z2_any_or_raise() -> None:
    assert customer_may_set(STANDARD, "P1", "P4")
    assert customer_may_set(GOOGLE, "P4", "P1")
    assert not customer_may_set(GOOGLE, "P1", "P2")
    assert not customer_may_set(GOOGLE, "P2", "P2")


def test_faults_name_their_places() -> None:
    assert [fault["pointer"] for fault in missing_texts(GOOGLE, "P1", {"business_impact": " "})] == [
        "/business_impact",
        "/priority_reason",
    ]
    assert not missing_texts(GOOGLE, "P2", {})
    assert not channel_faults(STANDARD, "hook")
    assert channel_faults(STANDARD, "email")[0]["pointer"] == "/channel"


def test_automations_and_engineers_share_a_table() -> None:
    assert allowed("open", "automation") == allowed("open", "engineer") != allowed("open", "customer")
