"""Articles solve tickets; background passes look at each new ticket once."""

from alembic import op
from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = depends_on = None


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> Column[str]:
    return Column(name, String(collation="C"), nullable=nullable, comment=comment)


def upgrade() -> None:
    op.create_table(
        "solutions",
        _id("account_id", comment="- where support says so of no ticket"),
        _id("id"),
        _id("article_id"),
        _id("ticket_id", nullable=True, comment="null: a deflection"),
        Column("actor", JSONB(), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("account_id", "id", name=op.f("pk_solutions")),
    )
    op.create_index(
        "uq_solutions_account_id_ticket_id_article_id",
        "solutions",
        ["account_id", "ticket_id", "article_id"],
        unique=True,
        postgresql_where=text("ticket_id IS NOT NULL"),
    )
    op.create_table(
        "first_looks",
        _id("account_id"),
        _id("ticket_id"),
        _id("job"),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("account_id", "ticket_id", "job", name=op.f("pk_first_looks")),
    )
    op.create_index(op.f("ix_first_looks_job_opened_at"), "first_looks", ["job", "opened_at"])
    opened = Column(
        "opened_at",
        DateTime(timezone=True),
        nullable=False,
        comment="it has looked at all tickets that were opened before",
    )
    op.create_table(
        "first_look_marks", _id("job"), opened, PrimaryKeyConstraint("job", name=op.f("pk_first_look_marks"))
    )


def downgrade() -> None:
    for table in ("first_look_marks", "first_looks", "solutions"):
        op.drop_table(table)
