"""Accounts, people and keys."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import DDL, Index, LargeBinary, String, UniqueConstraint, event, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import ExecutableDDLElement

from app.core.db.tables import ID, Base

_WITH_A_TAM: Final = "jsonb_typeof(tam) = 'object' AND sandbox_now IS NULL"


class AccountRow(Base):
    """A customer organisation with a support plan."""

    __tablename__ = "accounts"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str]
    plan: Mapped[str]
    product_plans: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    addons: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    time_zone: Mapped[str]
    country: Mapped[str | None]
    holiday_set: Mapped[str | None] = mapped_column(ID, comment="the country's holidays, expanded when stored (C01)")
    locale: Mapped[str] = mapped_column(server_default="en")
    trial_ends_at: Mapped[datetime | None]
    call_link: Mapped[str | None]
    call_provider: Mapped[str | None]
    region_lock: Mapped[str | None]
    manager: Mapped[dict[str, Any] | None]
    tam: Mapped[dict[str, Any] | None]
    preferred_engineers: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    external_ref: Mapped[str | None]
    sandbox_now: Mapped[datetime | None] = mapped_column(comment="the standing clock of a sandbox account")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "created_at", "account_id"),
        Index(None, "external_ref"),
        Index(None, "plan"),
        Index(
            "ix_accounts_tam",
            "account_id",
            postgresql_where=text(_WITH_A_TAM),
        ),
        Index(
            "ix_accounts_names",
            literal_column("lower(name)").label("lowered"),
            postgresql_using="gin",
            postgresql_ops={"lowered": "gin_trgm_ops"},
        ),
    )


_trigrams: ExecutableDDLElement = DDL("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # type: ignore[no-untyped-call]
event.listen(AccountRow.__table__, "before_create", _trigrams)


class PersonRow(Base):
    """One of an account's people; the role says what they may do with its tickets (G10)."""

    __tablename__ = "people"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    email: Mapped[str] = mapped_column(comment="lower case, composed (NFC)")
    name: Mapped[str]
    role: Mapped[str] = mapped_column(comment="owner, editor or viewer")
    locale: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("account_id", "email"),
        Index(None, "id"),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "email"),
        Index(
            "ix_people_names",
            literal_column("lower(name)").label("lowered"),
            "email",
            postgresql_using="gin",
            postgresql_ops={"lowered": "gin_trgm_ops", "email": "gin_trgm_ops"},
        ),
    )


class FormerAddressRow(Base):
    """An address that was a person's: until the tickets that it follows are seen to, it may only read."""

    __tablename__ = "former_addresses"

    account_id: Mapped[str] = mapped_column(ID, primary_key=True)
    email: Mapped[str] = mapped_column(ID, primary_key=True, comment="as the person had it")
    person_id: Mapped[str] = mapped_column(ID, comment="who had it: deleted, or a person with another address now")
    due_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))

    __table_args__ = (Index(None, "due_at"),)


class ApiKeyRow(Base):
    """A key, stored hashed. A reference table: a key is looked up before its account is known."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(comment="admin, agent, account, hook, widget or ticket")
    account_id: Mapped[str | None] = mapped_column(ID)
    engineer_id: Mapped[str | None] = mapped_column(ID)
    hook_id: Mapped[str | None] = mapped_column(ID, comment="of a hook key: the one hook; null: any of its account")
    role: Mapped[str | None] = mapped_column(comment="of an account key: the most that it may do")
    label: Mapped[str] = mapped_column(server_default="")
    scopes: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, comment="SHA-256 of the whole key")
    hint: Mapped[str] = mapped_column(String(16), comment="the first characters, to recognise it by")
    allowed_origins: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    jwt_keys: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    bootstrap: Mapped[bool] = mapped_column(
        server_default=text("false"),
        comment="an admin key that a start made or was given: revoked when another one is given",
    )
    jwks_url: Mapped[str | None] = mapped_column(comment="of a widget key: where its host product publishes its keys")
    jwt_audience: Mapped[str | None] = mapped_column(comment="what aud of an identity token has to be")
    jwt_issuer: Mapped[str | None] = mapped_column(comment="what iss of an identity token has to be, if anything")
    ticket: Mapped[dict[str, Any] | None] = mapped_column(
        comment="of a ticket key: what it opens (account_id, ticket_id), and for whom"
    )
    made_by: Mapped[str | None] = mapped_column(ID, comment="of a link to a ticket: the key that made it")

    __table_args__ = (
        Index(None, "account_id", "created_at", "id"),
        Index("ix_api_keys_listed", "created_at", "id", postgresql_where=text("kind <> 'ticket'")),
        Index("ix_api_keys_ended", "expires_at", postgresql_where=text("kind = 'ticket'")),
        Index("ix_api_keys_tickets", text("(ticket ->> 'ticket_id')"), postgresql_where=text("kind = 'ticket'")),
        Index(None, "made_by", postgresql_where=text("made_by IS NOT NULL")),
        Index(None, "hook_id"),
    )
