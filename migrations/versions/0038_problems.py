"""Problems, their tickets, and the detection of recurring incidents."""

from alembic import op
from sqlalchemy import Boolean, Column, Date, DateTime, Integer, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0038"
down_revision = "0037"
branch_labels = depends_on = None

ID = String(collation="C")


def upgrade() -> None:
    _problems()
    op.create_table(
        "problem_tickets",
        Column("account_id", ID, primary_key=True),
        Column("ticket_id", ID, primary_key=True),
        Column("problem_id", ID, nullable=False),
        Column("linked_at", DateTime(timezone=True), nullable=False),
        Column(
            "pending",
            JSONB(),
            nullable=False,
            server_default=text("'[]'"),
            comment="of what the ticket is still to be told: link, workaround, resolution",
        ),
        Column("tell_at", DateTime(timezone=True), comment="when it is told, or that is tried again"),
    )
    op.create_index(None, "problem_tickets", ["problem_id", "linked_at", "ticket_id"])
    op.create_index(
        "ix_problem_tickets_untold", "problem_tickets", ["tell_at"], postgresql_where=text("tell_at IS NOT NULL")
    )
    _detection()


def _problems() -> None:
    op.create_table(
        "problems",
        Column("id", ID, primary_key=True),
        Column("number", ID, nullable=False, unique=True),
        Column(
            "title", String(), nullable=False, comment="customers see it on their tickets, as they do the workaround"
        ),
        Column("description", String(), nullable=False, comment="for support"),
        Column("product", String()),
        Column("state", String(), nullable=False),
        Column(
            "source",
            String(),
            nullable=False,
            comment="engineer; suggestion or automatic: the service has found it",
        ),
        Column(
            "words",
            JSONB(),
            nullable=False,
            comment="what the tickets have in common that the service has found",
        ),
        Column("owner_id", ID, comment="the engineer who follows it"),
        Column("workaround", String()),
        Column("resolution", String()),
        Column("resolve_tickets", Boolean(), nullable=False, server_default=text("false")),
        Column("dismissal", String(), comment="why the suggestion was dismissed"),
        Column("created_by", JSONB(), nullable=False),
        Column("told_by", JSONB(), comment="in whose name its tickets are told of it"),
        Column("targets", JSONB(), nullable=False, comment="by state: when it is due, and whether that was missed"),
        Column("wake_at", DateTime(timezone=True), comment="when the next target is due"),
        Column("opened_at", DateTime(timezone=True), comment="null while it is suggested"),
        Column("resolved_at", DateTime(timezone=True)),
        Column("closed_at", DateTime(timezone=True)),
        Column("version", Integer(), nullable=False, server_default="1"),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
    )
    op.create_index(None, "problems", ["created_at", "id"])
    op.create_index("ix_problems_wakes", "problems", ["wake_at"], postgresql_where=text("wake_at IS NOT NULL"))


def _detection() -> None:
    op.create_table(
        "recent_incidents",
        Column("account_id", ID, primary_key=True),
        Column("ticket_id", ID, primary_key=True),
        Column("product", ID, nullable=False, comment="folded; empty: none is named"),
        Column("title", JSONB(), nullable=False, comment="the words of the title, as they are compared"),
        Column("words", JSONB(), nullable=False, comment="those of title and description, and how they are spelt"),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        Column(
            "parted",
            Boolean(),
            nullable=False,
            server_default=text("false"),
            comment="support has parted it from a problem: it joins none by itself",
        ),
    )
    op.create_index(None, "recent_incidents", ["product", "opened_at"])
    op.create_index(None, "recent_incidents", ["opened_at"])
    op.create_table(
        "incident_words",
        Column("word", ID, primary_key=True),
        Column("day", Date(), primary_key=True),
        Column("tickets", Integer(), nullable=False),
    )
    op.create_index(None, "incident_words", ["day"])
    op.create_table(
        "detection_marks",
        Column("name", ID, primary_key=True),
        Column(
            "opened_at",
            DateTime(timezone=True),
            nullable=False,
            comment="tickets that were opened before it have been looked at",
        ),
    )


def downgrade() -> None:
    for table in ("detection_marks", "incident_words", "recent_incidents", "problem_tickets", "problems"):
        op.drop_table(table)
