"""Settings: environment variables with the prefix ``HELIODESK_`` (the README has the table)."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AliasChoices, AnyHttpUrl, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator can set. Every field has a default that is safe on a laptop."""

    model_config = SettingsConfigDict(env_prefix="HELIODESK_", extra="ignore", populate_by_name=True)

    database_url: str = Field(
        "", validation_alias=AliasChoices("DATABASE_URL", "HELIODESK_DATABASE_URL", "database_url")
    )
    pool_size: int = Field(8, ge=2, le=100, description="Database connections of one process")
    admin_key: str = Field(
        "", pattern=r"^[!-~]*$", description="A bootstrap admin key; made and printed once when absent"
    )
    allow_networks: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default_factory=list, description="Private networks (CIDR, comma separated) that outgoing calls may reach"
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that serve")
    background: bool = Field(True, description="Whether this process runs the background passes")
    jitsi_base_url: AnyHttpUrl | None = Field(None, description="Base address of a Jitsi Meet server, for P1 calls")
    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="Largest request body")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: str = Field("json", pattern="^(json|console)$", description="json or console")

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
