"""All tables."""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID: Final = String(collation="C")
INSTANT: Final = DateTime(timezone=True)


def upgrade() -> None:
    _accounts()
    _api_keys()
    _deliveries()
    _engineers()
    _events()
    _feed_marks()
    _holiday_sets()
    _hooks()
    _receipts()
    _incidents()
    _notices()
    _people()
    _plan_versions()
    _regions()
    _stored_answers()
    _stream_tokens()
    _webhook_endpoints()
    _expert_holds()
    _tickets()
    _alerts()
    _calls()
    _call_orphans()
    _deadlines()
    _escalations()
    _messages()


def downgrade() -> None:
    for table in (
        "messages",
        "escalations",
        "alerts",
        "deadlines",
        "call_orphans",
        "calls",
        "tickets",
        "expert_holds",
        "webhook_endpoints",
        "stream_tokens",
        "stored_answers",
        "regions",
        "plan_versions",
        "people",
        "notices",
        "incident_alerts",
        "incidents",
        "receipts",
        "hooks",
        "holiday_sets",
        "feed_marks",
        "events",
        "engineers",
        "deliveries",
        "api_keys",
        "accounts",
    ):
        op.drop_table(table)


def _accounts() -> None:
    op.create_table(
        "accounts",
        Column("account_id", ID, nullable=False),
        Column("name", String(), nullable=False),
        Column("plan", String(), nullable=False),
        Column("product_plans", JSONB(), server_default=text("'{}'"), nullable=False),
        Column("addons", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("time_zone", String(), nullable=False),
        Column("country", String()),
        Column("holiday_set", ID, comment="the country's holidays, expanded when stored (C01)"),
        Column("locale", String(), server_default="en", nullable=False),
        Column("trial_ends_at", INSTANT),
        Column("call_link", String()),
        Column("call_provider", String()),
        Column("region_lock", String()),
        Column("manager", JSONB()),
        Column("tam", JSONB()),
        Column("preferred_engineers", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("external_ref", String()),
        Column("sandbox_now", INSTANT, comment="the standing clock of a sandbox account"),
        Column("version", Integer(), server_default="1", nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("ix_accounts_created_at_account_id"), "accounts", ["created_at", "account_id"])
    op.create_index(op.f("ix_accounts_external_ref"), "accounts", ["external_ref"])
    op.create_index(op.f("ix_accounts_plan"), "accounts", ["plan"])


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        Column("id", ID, nullable=False),
        Column("kind", String(), nullable=False, comment="admin, agent, account, hook or widget"),
        Column("account_id", ID),
        Column("engineer_id", ID),
        Column("hook_id", ID, comment="of a hook key: the one hook; null: any of its account"),
        Column("role", String(), comment="of an account key: what it may do when it names no person"),
        Column("label", String(), server_default="", nullable=False),
        Column("scopes", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("secret_hash", LargeBinary(), nullable=False, comment="SHA-256 of the whole key"),
        Column("hint", String(length=16), nullable=False, comment="the first characters, to recognise it by"),
        Column("allowed_origins", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("jwt_keys", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("expires_at", INSTANT),
        Column("revoked_at", INSTANT),
        Column("created_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_index(op.f("ix_api_keys_account_id"), "api_keys", ["account_id"])
    op.create_index(op.f("ix_api_keys_created_at_id"), "api_keys", ["created_at", "id"])
    op.create_index(op.f("ix_api_keys_hook_id"), "api_keys", ["hook_id"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("endpoint_id", ID, nullable=False),
        Column("event_id", ID, nullable=False),
        Column("ticket_id", ID),
        Column("sequence", Integer(), comment="of the event: first attempts are made in this order"),
        Column(
            "state", String(), server_default="pending", nullable=False, comment="pending, delivered, skipped or failed"
        ),
        Column("attempts", Integer(), server_default="0", nullable=False),
        Column("next_attempt_at", INSTANT, comment="null before its turn, and once ended"),
        Column("paced", Boolean(), server_default=text("false"), nullable=False, comment="due at its place in a rate"),
        Column("claim_id", String()),
        Column("last_attempt", JSONB(), comment="as AttemptDocument has it"),
        Column("earlier_attempts", JSONB(), comment="those before it, oldest first"),
        Column("created_at", INSTANT, server_default=text("now()"), nullable=False),
        Column("finished_at", INSTANT),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_deliveries")),
        postgresql_with={"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02},
    )
    op.create_index(op.f("ix_deliveries_endpoint_id_created_at_id"), "deliveries", ["endpoint_id", "created_at", "id"])
    op.create_index(op.f("ix_deliveries_id"), "deliveries", ["id"])
    op.create_index(
        "ix_deliveries_first_due",
        "deliveries",
        ["next_attempt_at"],
        postgresql_where=text("attempts = 0 AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_retry_due",
        "deliveries",
        ["next_attempt_at"],
        postgresql_where=text("attempts > 0 AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_turn",
        "deliveries",
        ["endpoint_id", "ticket_id", "sequence"],
        postgresql_where=text("state = 'pending' AND attempts = 0 AND sequence IS NOT NULL"),
    )


def _engineers() -> None:
    op.create_table(
        "engineers",
        Column("id", ID, nullable=False),
        Column("account_id", ID, comment="only for a sandbox account's own engineers"),
        Column("name", String(), nullable=False),
        Column("email", String(), nullable=False),
        Column("tier", Integer(), server_default="1", nullable=False),
        Column("region", String(), comment="the key of a region"),
        Column("time_zone", String(), server_default="UTC", nullable=False),
        Column("languages", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("products", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("capacity", Integer(), server_default="5", nullable=False),
        Column("shifts", JSONB(), comment="a calendar; null: the region's, else 24x7"),
        Column("absences", JSONB(), server_default=text("'[]'"), nullable=False),
        Column("active", Boolean(), server_default=text("true"), nullable=False),
        Column("version", Integer(), server_default="1", nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_engineers")),
    )
    op.create_index(op.f("ix_engineers_account_id"), "engineers", ["account_id"])


def _expert_holds() -> None:
    op.create_table(
        "expert_holds",
        Column("engineer_id", ID, nullable=False),
        Column("account_id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("since", INSTANT, nullable=False),
        PrimaryKeyConstraint("engineer_id", name=op.f("pk_expert_holds")),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("sequence", Integer(), nullable=False, comment="of the ticket's event that told of it"),
        Column("engineer_id", ID, nullable=False),
        Column("state", String(), nullable=False, comment="alerted, accepted, declined, expired or cancelled"),
        Column("alerted_at", INSTANT, nullable=False),
        Column("accept_by", INSTANT, nullable=False),
        Column("ended_at", INSTANT),
        Column("reason", String(), comment="why it was declined or cancelled"),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_alerts_account_id_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_account_id_ticket_id"), "alerts", ["account_id", "ticket_id"])
    op.create_index(op.f("ix_alerts_alerted_at_id"), "alerts", ["alerted_at", "id"])
    op.create_index(op.f("ix_alerts_engineer_id_alerted_at_id"), "alerts", ["engineer_id", "alerted_at", "id"])
    op.create_index(op.f("ix_alerts_id"), "alerts", ["id"])


def _events() -> None:
    op.create_table(
        "events",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID),
        Column("sequence", Integer(), comment="the ticket's own numbering, without gaps"),
        Column("type", String(), nullable=False),
        Column("timestamp", INSTANT, nullable=False, comment="the business instant"),
        Column("actor", JSONB(), nullable=False),
        Column("audience", String(), nullable=False, comment="public or internal"),
        Column("sandbox", Boolean(), nullable=False),
        Column("data", JSONB(), nullable=False),
        Column(
            "position",
            BigInteger(),
            Identity(),
            nullable=False,
            comment="the place in the feed, given when the row is written, before its commit",
        ),
        Column(
            "recorded_at", INSTANT, server_default=text("now()"), nullable=False, comment="real time, also a sandbox's"
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_position", "events", ["position"], postgresql_where=text("id > ''"))
    op.create_index(op.f("ix_events_account_id_position"), "events", ["account_id", "position"])
    op.create_index(op.f("ix_events_recorded_at"), "events", ["recorded_at"], postgresql_using="brin")
    op.create_index(
        "uq_events_account_id_ticket_id_sequence", "events", ["account_id", "ticket_id", "sequence"], unique=True
    )


def _feed_marks() -> None:
    op.create_table(
        "feed_marks",
        Column("at", INSTANT, nullable=False),
        Column("position", BigInteger(), nullable=False, comment="the last one given to an event by then"),
        PrimaryKeyConstraint("at", name=op.f("pk_feed_marks")),
    )


def _stream_tokens() -> None:
    op.create_table(
        "stream_tokens",
        Column("token_hash", LargeBinary(), nullable=False, comment="SHA-256 of the whole token"),
        Column("key_id", ID, nullable=False),
        Column("expires_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("token_hash", name=op.f("pk_stream_tokens")),
    )
    op.create_index(op.f("ix_stream_tokens_expires_at"), "stream_tokens", ["expires_at"])


def _holiday_sets() -> None:
    op.create_table(
        "holiday_sets",
        Column("id", ID, nullable=False, comment="hol_ and the start of the content's SHA-256"),
        Column("country", String(), nullable=False),
        Column("subdivision", String()),
        Column("dates", JSONB(), nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_holiday_sets")),
    )


def _people() -> None:
    op.create_table(
        "people",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("email", String(), nullable=False, comment="lower case"),
        Column("name", String(), nullable=False),
        Column("role", String(), nullable=False, comment="owner, editor or viewer"),
        Column("locale", String()),
        Column("version", Integer(), server_default="1", nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_people")),
        UniqueConstraint("account_id", "email", name=op.f("uq_people_account_id_email")),
    )
    op.create_index(op.f("ix_people_id"), "people", ["id"])


def _plan_versions() -> None:
    op.create_table(
        "plan_versions",
        Column("key", ID, nullable=False),
        Column("version", Integer(), nullable=False),
        Column("document", JSONB(), nullable=False),
        Column(
            "document_hash",
            String(),
            nullable=False,
            comment="SHA-256 of the canonical JSON: an unchanged plan makes no version",
        ),
        Column("archived_at", INSTANT),
        Column("created_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("key", "version", name=op.f("pk_plan_versions")),
    )


def _regions() -> None:
    op.create_table(
        "regions",
        Column("id", ID, nullable=False),
        Column("account_id", ID, comment="only for a sandbox account's own regions"),
        Column("key", ID, nullable=False),
        Column("name", String(), nullable=False),
        Column("place", Integer(), nullable=False, comment="in the order in which the sun reaches the regions"),
        Column("calendar", JSONB(), nullable=False, comment="the shift of its engineers that have none of their own"),
        Column("version", Integer(), server_default="1", nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_regions")),
        UniqueConstraint(
            "account_id", "key", name=op.f("uq_regions_account_id_key"), postgresql_nulls_not_distinct=True
        ),
    )


def _stored_answers() -> None:
    op.create_table(
        "stored_answers",
        Column("account_id", ID, nullable=False, comment="the principal's account, or '-'"),
        Column("key_hash", ID, nullable=False, comment="SHA-256 of method, path and key"),
        Column("body_hash", String(), nullable=False),
        Column("status", Integer(), nullable=False),
        Column("answer", JSONB(), nullable=False),
        Column("headers", JSONB(), nullable=False),
        Column("created_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("account_id", "key_hash", name=op.f("pk_stored_answers")),
    )
    op.create_index(op.f("ix_stored_answers_created_at"), "stored_answers", ["created_at"])


def _webhook_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        Column("id", ID, nullable=False),
        Column("account_id", ID, comment="null: all accounts, internal events too"),
        Column("url", String(), nullable=False),
        Column("events", JSONB(), nullable=False, comment="globs over event types, as given"),
        Column(
            "type_pattern",
            String(),
            nullable=False,
            comment="the globs as one regular expression, for the fan-out's SQL",
        ),
        Column("format", String(), server_default="standard", nullable=False),
        Column("locale", String(), server_default="en", nullable=False),
        Column("projection", String(), comment="JMESPath: what is sent of an event instead of all of it"),
        Column("secrets", JSONB(), nullable=False, comment="whsec_ values, newest first"),
        Column(
            "secrets_until",
            JSONB(),
            server_default=text("'[]'"),
            nullable=False,
            comment="when the second and each further secret ends, in their order",
        ),
        Column("concurrency", Integer(), comment="messages at once from one replica; null: the default"),
        Column("rate", Float(), comment="messages a second from all replicas; null: no limit"),
        Column("paced_until", INSTANT, comment="with a rate: when the next place is free"),
        Column("enabled", Boolean(), server_default=text("true"), nullable=False),
        Column("disabled_reason", String()),
        Column("failing_since", INSTANT),
        Column("version", Integer(), server_default="1", nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(op.f("ix_webhook_endpoints_account_id"), "webhook_endpoints", ["account_id"])
    op.create_index(op.f("ix_webhook_endpoints_created_at_id"), "webhook_endpoints", ["created_at", "id"])


def _tickets() -> None:
    op.create_table(
        "tickets",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("number", String(), nullable=False, comment="short enough to say on the phone; unique in the account"),
        Column("title", String(), nullable=False),
        Column("description", String(), nullable=False),
        Column("product", String()),
        Column("requester", JSONB(), nullable=False),
        Column("channel", String(), nullable=False),
        Column("environment", String(), nullable=False),
        Column("impact", String()),
        Column("urgency", String()),
        Column("business_impact", String()),
        Column("priority_reason", String()),
        Column("priority", String(), nullable=False),
        Column("priority_source", String(), nullable=False),
        Column("assessed_priority", String()),
        Column("status", String(), nullable=False),
        Column("closed_reason", String(), comment="closed, unanswered, withdrawn or merged"),
        Column("merged_into", ID),
        Column("tier", Integer(), nullable=False),
        Column("assignee_id", ID),
        Column("region", String(), comment="the region of its engineer"),
        Column("routing", JSONB(), comment="how its expert is looked for (dispatch.Route)"),
        Column("route_at", INSTANT, comment="when it is handed over, or looked at in the queue again"),
        Column("queued_at", INSTANT, comment="since when it waits for an expert"),
        Column("region_lock", String()),
        Column("call_link", String()),
        Column("tags", JSONB(), nullable=False),
        Column("custom", JSONB(), nullable=False),
        Column("external_ref", String()),
        Column("follow_up_of", ID),
        Column("review_requested", Boolean(), nullable=False),
        Column("escalated", Boolean(), nullable=False),
        Column(
            "turns",
            Integer(),
            nullable=False,
            comment="how often the word has passed between customer and engineer",
        ),
        Column("spoke", String(), nullable=False, comment="whose word it is: customer or engineer"),
        Column("sandbox", Boolean(), nullable=False),
        Column("plan_key", ID, nullable=False),
        Column("plan_version", Integer(), nullable=False),
        Column("plan_addons", JSONB(), nullable=False),
        Column("time_zone", String(), nullable=False, comment="the account's zone when the ticket was opened (C14)"),
        Column("holiday_set", ID),
        Column(
            "tz_database",
            String(),
            nullable=False,
            comment="version of the time-zone database when it was opened (C14)",
        ),
        Column("clock", JSONB(), nullable=False, comment="the clock's facts that are not deadlines (sla/deadlines.py)"),
        Column("wake_at", INSTANT),
        Column("support_due_at", INSTANT, comment="earliest open deadline that support owes"),
        Column("next_update_due_at", INSTANT),
        Column("missed", Boolean(), nullable=False, comment="whether any deadline is missed and still open"),
        Column("opened_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        Column("resolved_at", INSTANT),
        Column("closed_at", INSTANT),
        Column("sequence", Integer(), nullable=False, comment="of its last event"),
        Column("version", Integer(), nullable=False, comment="grows with what people write, not with the sweep"),
        ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_tickets_account_id_accounts")),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_tickets")),
        UniqueConstraint("account_id", "number", name=op.f("uq_tickets_account_id_number")),
        postgresql_with={"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02},
    )
    op.create_index(
        "ix_tickets_all_due", "tickets", ["support_due_at", "id"], postgresql_where=text("support_due_at IS NOT NULL")
    )
    op.create_index("ix_tickets_due", "tickets", ["account_id", "support_due_at", "id"])
    op.create_index("ix_tickets_external_ref", "tickets", ["account_id", "external_ref"])
    op.create_index(op.f("ix_tickets_id"), "tickets", ["id"])
    op.create_index("ix_tickets_opened", "tickets", ["account_id", "opened_at", "id"])
    op.create_index("ix_tickets_all_opened", "tickets", ["opened_at", "id"])
    op.create_index("ix_tickets_updated", "tickets", ["account_id", "updated_at", "id"])
    op.create_index("ix_tickets_routed", "tickets", ["queued_at", "id"], postgresql_where=text("routing IS NOT NULL"))
    op.create_index(
        "ix_tickets_assignee",
        "tickets",
        ["assignee_id"],
        postgresql_where=text("assignee_id IS NOT NULL AND status NOT IN ('resolved', 'closed')"),
    )
    op.create_index(
        "ix_tickets_wake_at", "tickets", ["wake_at"], postgresql_where=text("wake_at IS NOT NULL AND NOT sandbox")
    )


def _calls() -> None:
    op.create_table(
        "calls",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("sequence", Integer(), nullable=False, comment="of the ticket's event that asked for it"),
        Column(
            "state", String(), nullable=False, comment="requested, ready, joined, declined, no_show, failed or ended"
        ),
        Column("provider", String()),
        Column("providers", JSONB(), server_default=text("'[]'"), nullable=False, comment="still to try, in order"),
        Column("join_url", String()),
        Column("room", String(), comment="what its provider calls it"),
        Column("room_host", String(), comment="the provider's user who made the room"),
        Column("join_from", INSTANT),
        Column("join_by", INSTANT),
        Column("requested_at", INSTANT, nullable=False),
        Column("ready_at", INSTANT),
        Column("joined_at", INSTANT),
        Column("ended_at", INSTANT),
        Column("decline_reason", String()),
        Column("failure", String()),
        Column("failures", JSONB(), server_default=text("'[]'"), nullable=False, comment="why providers failed so far"),
        Column("attempts", Integer(), server_default="0", nullable=False, comment="of the first of `providers`"),
        Column("asked_at", INSTANT, comment="when the first of `providers` was first asked"),
        Column("next_attempt_at", INSTANT, comment="when a provider is asked; null otherwise"),
        Column("claim_id", String(), comment="of the attempt whose outcome is not known yet"),
        Column("next_look_at", INSTANT, comment="when the room is looked at, or ended; null: never"),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_calls_account_id_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_account_id_ticket_id"), "calls", ["account_id", "ticket_id"])
    op.create_index(op.f("ix_calls_id"), "calls", ["id"])
    op.create_index(
        "ix_calls_next_attempt_at", "calls", ["next_attempt_at"], postgresql_where=text("next_attempt_at IS NOT NULL")
    )
    op.create_index(
        "ix_calls_next_look_at", "calls", ["next_look_at"], postgresql_where=text("next_look_at IS NOT NULL")
    )


def _call_orphans() -> None:
    op.create_table(
        "call_orphans",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("call_id", ID, nullable=False),
        Column("provider", String(), nullable=False),
        Column("host", String(), comment="the provider's user who made it, where that is known"),
        Column("room", String(), comment="what the provider calls it; null: it may not exist at all"),
        Column("reason", String(), nullable=False),
        Column("noticed_at", INSTANT, nullable=False),
        ForeignKeyConstraint(
            ["account_id", "call_id"],
            ["calls.account_id", "calls.id"],
            name=op.f("fk_call_orphans_account_id_call_id_calls"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_call_orphans")),
    )


def _deadlines() -> None:
    op.create_table(
        "deadlines",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("metric", String(), nullable=False),
        Column(
            "subject",
            String(),
            server_default="",
            nullable=False,
            comment="the escalation, alert or call that an ack is about",
        ),
        Column("cycle", Integer(), nullable=False),
        Column("priority", String(), nullable=False),
        Column("state", String(), nullable=False, comment="running, paused, missed, met, met_late or cancelled"),
        Column(
            "live",
            Boolean(),
            nullable=False,
            comment="whether the clock still needs it: not ended, or it may revive (C12)",
        ),
        Column("started_at", INSTANT, nullable=False),
        Column("due_at", INSTANT, comment="null exactly while paused, or when it ended so"),
        Column("missed_at", INSTANT),
        Column("noticed_at", INSTANT),
        Column("ended_at", INSTANT),
        Column("stopped_by", String()),
        Column("reason", String()),
        Column("detail", JSONB(), nullable=False, comment="spans, warnings, chain: what the fold needs (sla/clock.py)"),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_deadlines_account_id_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_deadlines")),
        UniqueConstraint(
            "account_id",
            "ticket_id",
            "metric",
            "subject",
            "cycle",
            name=op.f("uq_deadlines_account_id_ticket_id_metric_subject_cycle"),
        ),
        postgresql_with={"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02},
    )
    op.create_index(op.f("ix_deadlines_id"), "deadlines", ["id"])
    op.create_index("ix_deadlines_live", "deadlines", ["account_id", "ticket_id"], postgresql_where=text("live"))


def _escalations() -> None:
    op.create_table(
        "escalations",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("sequence", Integer(), nullable=False, comment="of the ticket's event that told of it"),
        Column("kind", String(), nullable=False, comment="customer, engineer or service"),
        Column("subject", String(), nullable=False, comment="what its acknowledgement deadline is filed under"),
        Column("reason", String(), nullable=False),
        Column(
            "state",
            String(),
            nullable=False,
            comment="requested, acknowledged, accepted, declined, withdrawn or closed",
        ),
        Column("requested_by", JSONB(), nullable=False, comment="an actor"),
        Column("justification", String()),
        Column("requested_priority", String()),
        Column("business_impact", String()),
        Column("breach_verified", Boolean()),
        Column("requested_at", INSTANT, nullable=False),
        Column("acknowledged_at", INSTANT),
        Column("ended_at", INSTANT),
        Column("decision", String(), comment="what was said when it was accepted or declined"),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_escalations_account_id_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_escalations")),
        UniqueConstraint(
            "account_id", "ticket_id", "subject", name=op.f("uq_escalations_account_id_ticket_id_subject")
        ),
    )
    op.create_index(op.f("ix_escalations_id"), "escalations", ["id"])
    op.create_index(
        "uq_escalations_open",
        "escalations",
        ["account_id", "ticket_id", "kind", "reason"],
        unique=True,
        postgresql_where=text("state IN ('requested', 'acknowledged') AND kind <> 'service'"),
    )


def _hooks() -> None:
    op.create_table(
        "hooks",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("fields", JSONB(), nullable=False, comment="schemas.HookFields, without the signature's secret"),
        Column("secrets", JSONB(), nullable=False, comment="of an HMAC: those in force, newest first"),
        Column("version", Integer(), server_default="1", nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_hooks")),
    )
    op.create_index(op.f("ix_hooks_id"), "hooks", ["id"])
    op.create_index(op.f("ix_hooks_created_at_id"), "hooks", ["created_at", "id"])


def _receipts() -> None:
    op.create_table(
        "receipts",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("hook_id", ID, nullable=False),
        Column("event_key", ID, comment="the sender's id of it: a second one is a duplicate"),
        Column("format", String(), nullable=False),
        Column("headers", JSONB(), nullable=False, comment="those that say what the payload is"),
        Column("body", LargeBinary(), nullable=False),
        Column("size", Integer(), nullable=False, comment="bytes of the body as it came"),
        Column(
            "state",
            String(),
            server_default="pending",
            nullable=False,
            comment="pending, processed, ignored or failed",
        ),
        Column("done", Integer(), server_default="0", nullable=False, comment="signals whose effects are written"),
        Column("signals", JSONB(), server_default=text("'[]'"), nullable=False, comment="what each of them did"),
        Column(
            "tickets",
            JSONB(),
            server_default=text("'[]'"),
            nullable=False,
            comment="what was done to which ticket",
        ),
        Column(
            "left_out",
            Integer(),
            server_default="0",
            nullable=False,
            comment="alerts that are not among its signals",
        ),
        Column("error", String()),
        Column("received_at", INSTANT, server_default=text("clock_timestamp()"), nullable=False),
        Column("processed_at", INSTANT),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_receipts")),
        UniqueConstraint("account_id", "hook_id", "event_key", name=op.f("uq_receipts_account_id_hook_id_event_key")),
    )
    op.create_index(op.f("ix_receipts_id"), "receipts", ["id"])
    op.create_index(op.f("ix_receipts_hook_id_received_at_id"), "receipts", ["hook_id", "received_at", "id"])
    waiting = text("state = 'pending'")
    op.create_index("ix_receipts_waiting", "receipts", ["received_at"], postgresql_where=waiting)
    op.create_index("ix_receipts_turn", "receipts", ["hook_id", "received_at", "id"], postgresql_where=waiting)


def _incidents() -> None:
    op.create_table(
        "incidents",
        Column("account_id", ID, nullable=False),
        Column("hook_id", ID, nullable=False),
        Column("key", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("open", Boolean(), nullable=False, comment="something of it fires, or did at last hearing"),
        Column("told", Integer(), nullable=False, comment="messages that its changes have made on the ticket"),
        Column("changed_at", INSTANT, nullable=False, comment="real time"),
        PrimaryKeyConstraint("account_id", "hook_id", "key", name=op.f("pk_incidents")),
    )
    op.create_table(
        "incident_alerts",
        Column("account_id", ID, nullable=False),
        Column("hook_id", ID, nullable=False),
        Column("key", ID, nullable=False),
        Column("incident_key", ID, nullable=False),
        Column("status", String(), nullable=False, comment="firing or resolved"),
        Column("starts_at", String(), comment="which time it fires, in the sender's words"),
        Column("digest", String(), nullable=False, comment="of what it says"),
        Column("repeats", Integer(), nullable=False, comment="times that the same was heard again"),
        Column("heard_at", INSTANT, nullable=False, comment="when the receipt came, real time"),
        PrimaryKeyConstraint("account_id", "hook_id", "key", name=op.f("pk_incident_alerts")),
    )
    op.create_index(
        "ix_incident_alerts_firing",
        "incident_alerts",
        ["account_id", "hook_id", "incident_key"],
        postgresql_where=text("status = 'firing'"),
    )
    op.create_index(op.f("ix_incident_alerts_heard_at"), "incident_alerts", ["heard_at"])


def _notices() -> None:
    op.create_table(
        "notices",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("event_id", ID, nullable=False),
        Column("recipient", JSONB(), nullable=False, comment="role, name, email, locale"),
        Column(
            "state", String(), server_default="pending", nullable=False, comment="pending, sent, failed or no_channel"
        ),
        Column(
            "sent_by",
            JSONB(),
            server_default=text("'[]'"),
            nullable=False,
            comment="channels that have taken it",
        ),
        Column("attempts", Integer(), server_default="0", nullable=False),
        Column("next_attempt_at", INSTANT),
        Column("claim_id", String()),
        Column("error", String()),
        Column("created_at", INSTANT, server_default=text("now()"), nullable=False),
        Column("finished_at", INSTANT),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_event_id"), "notices", ["event_id"])
    op.create_index(
        "ix_notices_next_attempt_at",
        "notices",
        ["next_attempt_at"],
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        Column("account_id", ID, nullable=False),
        Column("id", ID, nullable=False),
        Column("ticket_id", ID, nullable=False),
        Column("sequence", Integer(), nullable=False, comment="of the ticket's event that told of it"),
        Column("author", JSONB(), nullable=False),
        Column("visibility", String(), nullable=False),
        Column("channel", String()),
        Column("body", String(), nullable=False),
        Column("created_at", INSTANT, nullable=False),
        ForeignKeyConstraint(
            ["account_id", "ticket_id"],
            ["tickets.account_id", "tickets.id"],
            name=op.f("fk_messages_account_id_ticket_id_tickets"),
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_messages")),
    )
    op.create_index(
        op.f("ix_messages_account_id_ticket_id_sequence"), "messages", ["account_id", "ticket_id", "sequence"]
    )
