"""What all tables have in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, TypeAlias

from sqlalchemy import DateTime, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

Row: TypeAlias = Mapping[str, Any]

ID: Final = String(collation="C")
"""Ids compare byte by byte, so that they sort alike in every locale."""


class Base(DeclarativeBase):
    """Every table; ``account_id`` leads each primary key, unless the table is a reference table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }
