"""How engineers are paged, the outbox of pages, and the links that answer alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_DUE = sa.text("next_attempt_at IS NOT NULL")


def _id(name: str) -> sa.Column:
    return sa.Column(name, sa.String(collation="C"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "contact_methods",
        _id("id"),
        _id("engineer_id"),
        sa.Column("kind", sa.String(), nullable=False, comment="email, apprise, pagerduty or opsgenie"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "target", sa.String(), nullable=False, comment="an address, an Apprise URL or an integration key: a secret"
        ),
        sa.Column(
            "service_region",
            sa.String(),
            server_default="us",
            nullable=False,
            comment="of PagerDuty and Opsgenie: us or eu",
        ),
        sa.Column("created_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_methods")),
    )
    op.create_index(
        "ix_contact_methods_engineer_id_created_at_id", "contact_methods", ["engineer_id", "created_at", "id"]
    )
    op.create_table(
        "notification_rules",
        _id("id"),
        _id("engineer_id"),
        _id("method_id"),
        sa.Column("urgency", sa.String(), nullable=False, comment="high or low"),
        sa.Column("after_seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_rules")),
        sa.UniqueConstraint(
            "engineer_id", "urgency", "method_id", "after_seconds", name=op.f("uq_notification_rules_once")
        ),
    )
    op.create_index(
        "ix_notification_rules_engineer_id_created_at_id", "notification_rules", ["engineer_id", "created_at", "id"]
    )
    op.create_index("ix_notification_rules_method_id", "notification_rules", ["method_id"])
    op.create_table(
        "pages",
        _id("account_id"),
        _id("alert_id"),
        _id("rule_id"),
        _id("event_id"),
        _id("engineer_id"),
        _id("method_id"),
        sa.Column("kind", sa.String(), nullable=False, comment="the method's, which may be deleted by now"),
        sa.Column(
            "lane",
            sa.String(),
            nullable=False,
            comment="mail or http: what is slow in one holds up nothing in the other",
        ),
        sa.Column(
            "state", sa.String(), server_default="pending", nullable=False, comment="pending, sent, failed or skipped"
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", _AT, nullable=False),
        sa.Column(
            "next_attempt_at",
            _AT,
            comment="of a sent page: when to see whether the alert is over, where a service is to be told so",
        ),
        sa.Column("claim_id", sa.String()),
        sa.Column("error", sa.String()),
        sa.Column("sent_at", _AT),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "alert_id", "rule_id", name=op.f("pk_pages")),
    )
    op.create_index("ix_pages_due", "pages", ["lane", "account_id", "next_attempt_at"], postgresql_where=_DUE)
    op.create_index("ix_pages_next_attempt_at", "pages", ["lane", "next_attempt_at"], postgresql_where=_DUE)
    op.create_index("ix_pages_failed", "pages", ["created_at"], postgresql_where=sa.text("state = 'failed'"))
    op.create_table(
        "alert_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole token"),
        _id("account_id"),
        _id("alert_id"),
        _id("engineer_id"),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_alert_links")),
    )


def downgrade() -> None:
    for name in ("alert_links", "pages", "notification_rules", "contact_methods"):
        op.drop_table(name)
