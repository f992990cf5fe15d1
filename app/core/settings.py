"""Settings: environment variables with the prefix ``HELIODESK_`` (the README has the table)."""

import os
import re
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_ADMIN_KEY: Final = re.compile(r"(?!hd_(?!admin_))[!-~]{16,}")
_NO_ADMIN_KEY: Final = (
    "It needs at least 16 printable ASCII characters without blanks, and if it begins with hd_, then with hd_admin_"
)

_METRICS_KEY: Final = re.compile(r"[!-~]{16,}")
_NO_METRICS_KEY: Final = "It needs at least 16 printable ASCII characters without blanks"


_FILE_TYPES: Final = [
    *("image/*", "audio/*", "video/*", "text/*", "message/rfc822", "application/pdf", "application/json"),
    *("application/xml", "application/zip", "application/gzip", "application/x-7z-compressed", "application/x-tar"),
    *("application/rtf", "application/msword", "application/vnd.*", "application/octet-stream"),
    *("application/ms-tnef", "application/pkcs7-*", "application/x-pkcs7-*", "application/pgp-*"),
]
"""What people send to support; an unnamed kind is `application/octet-stream`, as that of a log often is."""


class Unconfigurable(Exception):
    """A setting that is no use, or for which something is missing; the text says what, without any secret."""


class Settings(BaseSettings):
    """What an operator can set. Every field has a default that is safe on a laptop."""

    model_config = SettingsConfigDict(env_prefix="HELIODESK_", extra="ignore", populate_by_name=True)

    database_url: str = Field(
        "", validation_alias=AliasChoices("DATABASE_URL", "HELIODESK_DATABASE_URL", "database_url")
    )
    pool_size: int = Field(8, ge=2, le=100, description="Database connections of one process for requests")
    background_pool_size: int = Field(4, ge=2, le=100, description="Those for its background passes")
    pool_timeout: float = Field(10, gt=0, le=600, description="Seconds for which a request waits for a connection")
    statement_timeout: float = Field(10, gt=0, le=600, description="Seconds for one statement of a request")
    lock_timeout: float = Field(5, gt=0, le=600, description="Seconds for which a statement waits for a lock")
    idle_timeout: float = Field(
        10, gt=0, le=600, description="Seconds without a statement after which the database ends a transaction"
    )
    admin_key: str = Field(
        "", description="A bootstrap admin key, of at least 16 printable characters; made and printed once when absent"
    )
    metrics_key: SecretStr = Field(
        SecretStr(""),
        description="What /metrics and the details of /readyz need as a bearer token; at least 16 characters",
    )
    allow_networks: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default_factory=list, description="Private networks (CIDR, comma separated) that outgoing connections may reach"
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that serve")
    offload_workers: int = Field(
        max(min(2, os.cpu_count() or 1), (os.cpu_count() or 1) // 2),
        ge=1,
        le=64,
        description="The most processes for heavy computations",
    )
    offload_queue: int = Field(32, ge=1, le=10_000, description="Heavy computations that may wait for one of them")
    offload_deadline: float = Field(
        10.0,
        gt=0,
        le=300,
        description="Seconds that one may wait, and may take; counted in CPU time where nobody waits for the result",
    )
    offload_idle: float = Field(30.0, gt=0, le=3600, description="Seconds after which an idle one of them ends")
    chromium: str = Field(
        "", description="The command that starts Chromium, which makes PDFs of reports; default: one that is found"
    )
    pdf_processes: int = Field(1, ge=1, le=16, description="The most of them at a time")
    pdf_deadline: float = Field(30.0, gt=0, le=300, description="Seconds that a PDF may wait, and may take")
    background: bool = Field(True, description="Whether this process runs the background passes")
    feed_retention: int = Field(90, ge=1, le=3650, description="Days that the feed goes back")
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default_factory=list, description="Proxies (CIDR, comma separated) whose X-Forwarded-For is believed"
    )
    in_flight: int = Field(32, ge=1, description="Requests that one process works on at once")
    in_flight_per_account: int = Field(4, ge=1, description="Those of one account; for its hooks, half as many more")
    in_flight_per_support_key: int = Field(6, ge=1, description="Those of one admin's or agent's key")
    in_flight_waiting: int = Field(
        64, ge=0, description="More of them that wait for their turn; of a support key, twice as many"
    )
    rate_per_key: int = Field(6_000, ge=0, description="Requests a minute of one key of an account; 0: no limit")
    rate_per_account: int = Field(12_000, ge=0, description="Those of all its keys together; 0: no limit")
    bytes_per_account: int = Field(
        2**25, ge=0, description="Bytes of request bodies a minute of all its keys together, hooks apart; 0: no limit"
    )
    rate_per_support_key: int = Field(600_000, ge=0, description="Those of one admin's or agent's key; 0: no limit")
    rate_per_address: int = Field(600, ge=0, description="Those of one address without a valid key; 0: no limit")
    rate_per_visiting_address: int = Field(
        1_200, ge=0, description="Those of one address with widget keys, which are no secret; 0: no limit"
    )
    rate_per_network: int = Field(
        6_000,
        ge=0,
        description="Those of one network (a /48, of IPv4 a /24) without a valid key, and as many with widget keys; "
        "0: no limit",
    )
    streams: int = Field(2000, ge=1, description="Streams and waiting requests that one process keeps open")
    streams_per_account: int = Field(200, ge=1, description="Those of one account")
    streams_per_key: int = Field(50, ge=1, description="Those of one key")
    streams_per_visitor: int = Field(10, ge=1, description="Those of one visitor with a widget key")
    tickets_per_visitor: int = Field(
        30, ge=0, description="Tickets an hour that one visitor with an identity token opens; 0: no limit"
    )
    guest_tickets_per_address: int = Field(
        10, ge=0, description="Tickets an hour that guests open from one address; 0: no limit"
    )
    guest_tickets_per_network: int = Field(
        100, ge=0, description="Those from one network (a /48, of IPv4 a /24); 0: no limit"
    )
    guest_changes_per_address: int = Field(
        60, ge=0, description="Messages and other changes an hour that they make from one address; 0: no limit"
    )
    guest_tickets_per_email: int = Field(
        5, ge=0, description="Tickets an hour that guests open for one e-mail address; 0: no limit"
    )
    header_bytes: int = Field(2**16, ge=1024, le=2**20, description="Bytes of a request's line and header fields")
    header_fields: int = Field(100, ge=10, le=1000, description="Header fields of a request")
    header_timeout: float = Field(15, gt=0, le=600, description="Seconds for which a request's header may take")
    body_timeout: float = Field(60, gt=0, le=3600, description="Seconds that its body may take after that")
    write_timeout: float = Field(
        30, gt=0, le=600, description="Seconds in which a client takes 64 KiB of its answer, or all that is left"
    )
    keep_alive: float = Field(75, gt=0, le=3600, description="Seconds that a connection may wait for its next request")
    unread_bytes: int = Field(
        2**26,
        ge=2**20,
        description="Bytes of answers that wait for slow clients of one process; beyond that the slowest are cut off",
    )
    body_bytes: int = Field(
        2**27,
        ge=2**22,
        description="Bytes of request bodies that one process holds; beyond it, the largest are refused",
    )
    connections: int = Field(4096, ge=10, description="Connections of one process")
    connections_per_address: int = Field(
        512, ge=0, description="Those of one address (of IPv6: a /64), unless it is a proxy's; 0: no limit"
    )
    uncounted_networks: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default=[IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")],
        description="Networks (CIDR, comma separated) whose addresses stand for many clients",
    )
    jitsi_base_url: AnyHttpUrl | None = Field(None, description="Base address of a Jitsi Meet server, for P1 calls")
    jitsi_app_id: str = Field("", description="What the Jitsi server knows us by, where it asks for tokens")
    jitsi_app_secret: SecretStr = Field(SecretStr(""), description="The secret shared with the Jitsi server")
    jitsi_audience: str = Field("jitsi", description="Whom the Jitsi tokens are for")
    jitsi_subject: str = Field("", description="The Jitsi server's domain or tenant; its host name unless given")
    meet_credentials_file: Path | None = Field(None, description="Key file of a Google service account, for P1 calls")
    meet_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="Users (e-mail, comma separated) in whose names Google Meet rooms are made"
    )
    meet_access_type: Literal["OPEN", "TRUSTED", "RESTRICTED"] = Field("OPEN", description="Who joins without asking")
    meet_api_url: AnyHttpUrl = Field(AnyHttpUrl("https://meet.googleapis.com"), description="The Google Meet API")
    meet_token_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://oauth2.googleapis.com/token"), description="Where Google gives out access tokens"
    )
    smtp_url: str = Field(
        "", description="smtp://user:password@host:587 or smtps://...: e-mail for whomever events notify"
    )
    mail_from: str = Field("", description="The sender of e-mail, like Support <support@example.com>")
    mail_domain: str = Field(
        "",
        pattern=r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)?$",
        description="The domain whose mail to `support+...` comes to this service: with it, customers reply to mails",
    )
    escalation_contact: str = Field(
        "",
        description="Who is notified in the place of a manager whom an account does not have, like "
        "Team lead <lead@example.com>",
    )
    apprise_urls: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Apprise addresses, comma separated, that get all notices (extra `apprise`)",
    )
    apprise_kinds: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Kinds of Apprise addresses, comma separated, that engineers may be paged by, like `ntfys,pover`",
    )
    pagerduty_url: AnyHttpUrl | None = Field(None, description="Where PagerDuty's events go instead of to PagerDuty")
    opsgenie_url: AnyHttpUrl | None = Field(None, description="Where Opsgenie's alerts go instead of to Opsgenie")
    public_url: AnyHttpUrl | None = Field(
        None, description="Where people reach this service: with it, pages have a link to accept or decline"
    )
    hook_backlog: int = Field(
        1000, ge=1, le=100_000, description="Payloads of one hook that may wait; of all of its account, twice as many"
    )
    hook_bytes: int = Field(2**28, ge=2**20, description="Bytes of payloads that the hooks of an account keep")
    unchecked_hook_bytes: int = Field(
        2**26, ge=2**20, description="Those of its hooks that take whatever comes (the scheme `none`)"
    )
    tickets_per_minute: int = Field(
        600, ge=0, description="Tickets a minute that an account's keys and hooks open; 0: no limit"
    )
    max_endpoints: int = Field(
        100, ge=1, le=10_000, description="Webhook endpoints of one account, and of the operator"
    )
    max_pending_deliveries: int = Field(
        50_000, ge=100, description="Webhook deliveries of one account that may be pending; of the operator, ten times"
    )
    max_hooks: int = Field(100, ge=1, le=10_000, description="Inbound hooks of one account")
    max_maintenance_windows: int = Field(
        100, ge=1, le=10_000, description="Maintenance windows of one account that are not over"
    )
    max_keys: int = Field(500, ge=1, le=100_000, description="Keys of one account that are in force")
    max_tags: int = Field(
        5000, ge=1, le=100_000, description="Different tags that the open tickets and the hooks of one account have"
    )
    max_ticket_links: int = Field(50, ge=1, le=1000, description="Links to one ticket that are in force")
    max_people: int = Field(1000, ge=1, le=100_000, description="People of one account")
    max_engineers: int = Field(100, ge=1, le=10_000, description="Engineers of one sandbox account")
    max_regions: int = Field(24, ge=1, le=1000, description="Regions of one sandbox account")
    max_contact_methods: int = Field(20, ge=1, le=1_000, description="Contact methods of one engineer")
    max_notification_rules: int = Field(50, ge=1, le=1_000, description="Notification rules of one engineer")
    max_overrides: int = Field(500, ge=1, le=10_000, description="Shift overrides of one engineer that are not over")
    max_calendar_tokens: int = Field(20, ge=1, le=1000, description="Tokens of one calendar of shifts")
    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="Largest request body")
    max_mail_bytes: int = Field(25 * 1024 * 1024, ge=1024, description="Largest e-mail that a hook takes")
    s3_url: AnyHttpUrl | None = Field(None, description="An S3-compatible store for files, as browsers reach it too")
    s3_bucket: str = Field("", pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$", description="The bucket in it")
    s3_region: str = Field("us-east-1", description="The region that the store's signatures name")
    s3_access_key: str = Field("", description="The id of the key that may write, read and delete in the bucket")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Its secret")
    files_folder: Path | None = Field(
        None, description="A folder for files in the place of a store; `heliodesk up` has one beside its database"
    )
    file_bytes: int = Field(25 * 2**20, ge=1, le=2**32, description="Bytes of one file")
    file_bytes_per_account: int = Field(5 * 2**30, ge=0, description="Bytes of all files of one account")
    file_types: Annotated[list[str], NoDecode] = Field(
        default=_FILE_TYPES, description="Media types of files (comma separated, `image/*` stands for all of a kind)"
    )
    scanner_url: str = Field(
        "",
        pattern=r"^(tcp://[^/?#\s]+:\d{1,5}|unix:/\S+)?$",
        description="ClamAV's daemon, which looks at files before they are given out: tcp://host:3310 or unix:/path",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least that is logged")
    log_format: Literal["json", "console"] = Field("json", description="`console` is coloured text for people")

    @field_validator(
        "allow_networks",
        "trusted_proxies",
        "uncounted_networks",
        "meet_hosts",
        "apprise_urls",
        "apprise_kinds",
        "file_types",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("admin_key")
    @classmethod
    def _admin_key(cls, value: str) -> str:
        """Any text that is hard to guess will do, but for a key of another kind (``hd_agent_...``)."""
        if value and not _ADMIN_KEY.fullmatch(value):
            raise PydanticCustomError("admin_key", _NO_ADMIN_KEY)
        return value

    @field_validator("metrics_key")
    @classmethod
    def _metrics_key(cls, value: SecretStr) -> SecretStr:
        """As hard to guess as an admin key."""
        if value.get_secret_value() and not _METRICS_KEY.fullmatch(value.get_secret_value()):
            raise PydanticCustomError("metrics_key", _NO_METRICS_KEY)
        return value

    @field_validator("escalation_contact")
    @classmethod
    def _contact(cls, value: str) -> str:
        """An address, perhaps with a name."""
        if value and "@" not in parseaddr(value)[1]:
            raise PydanticCustomError("escalation_contact", "It is an address, like Team lead <lead@example.com>")
        return value

    @property
    def stand_in(self) -> dict[str, str] | None:
        """The escalation contact by ``name`` and ``email``; None where none is set."""
        name, address = parseaddr(self.escalation_contact)
        return {"name": name or address, "email": address} if address else None

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        """What only works together is given together."""
        if (self.meet_credentials_file is None) != (not self.meet_hosts):
            raise ValueError("HELIODESK_MEET_CREDENTIALS_FILE and HELIODESK_MEET_HOSTS need each other")
        if bool(self.jitsi_app_id) != bool(self.jitsi_app_secret.get_secret_value()):
            raise ValueError("HELIODESK_JITSI_APP_ID and HELIODESK_JITSI_APP_SECRET need each other")
        self._check_files()
        return self

    def _check_files(self) -> None:
        given = (self.s3_bucket, self.s3_access_key, self.s3_secret_key.get_secret_value())
        if any(bool(each) != bool(self.s3_url) for each in given):
            raise ValueError("HELIODESK_S3_URL, _S3_BUCKET, _S3_ACCESS_KEY and _S3_SECRET_KEY need each other")
        if self.s3_url and self.files_folder:
            raise ValueError("Files are kept in HELIODESK_S3_URL or in HELIODESK_FILES_FOLDER, not in both")
