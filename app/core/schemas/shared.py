"""The shapes that every resource shares: strict input models, instants, addresses, and the problem document."""

import re
import unicodedata
from collections.abc import Collection, Container, Sequence
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import PydanticKnownError

from app.core.outgoing.targets import Unusable, read_target
from app.core.problems import invalid_value, message_of
from app.core.schemas.mailboxes import STORED, fault_of, sendable, unsendable
from app.core.text.invisible import visible
from app.core.text.messages import _
from app.core.zones import time_zones

T = TypeVar("T")
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:(?P<second>\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2150  # calendars end in 2200, and what starts at an instant has to be due before
_URL: Final[TypeAdapter[HttpUrl]] = TypeAdapter(HttpUrl)


_UNKNOWN: Final = 20
"""Members that a model does not know and that are told one by one."""


def _at_most(value: Any, most: int) -> Any:
    if isinstance(value, dict) and len(value) > most:
        raise invalid_value(
            "too_many_members",
            _("An object has at most {most} members here, and this one has {members}", most=most, members=len(value)),
        )
    return value


class Strict(BaseModel):
    """Base of every input model: a member that is not named is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_no_heap(cls, value: Any) -> Any:
        """Thousands of members that are not known are one fault: to tell each of them takes seconds."""
        return _at_most(value, len(cls.model_fields) + _UNKNOWN)


def at_most(members: int) -> BeforeValidator:
    """So many members of an object, counted before any is looked at; Pydantic's ``max_length`` is counted after."""
    return BeforeValidator(lambda value: _at_most(value, members))


def few_values(most: int) -> BeforeValidator:
    """So many values in all of a list's lists and objects, counted before any is looked at: each could be a fault.

    What is stored is not counted (``STORED``): an earlier version may have taken more.
    """

    def counted(value: Any, info: ValidationInfo) -> Any:
        level, left = [] if info.context is STORED else [value], most
        while level and left >= 0:
            level = [child for parent in level for child in inside(parent)]
            left -= len(level)
        if left < 0:
            raise invalid_value("too_many_values", _("There are at most {most} values here", most=most))
        return value

    return BeforeValidator(counted)


def inside(value: Any) -> Collection[Any]:
    """The values of an array or an object; none of anything else."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


class Document(BaseModel):
    """Base of every model that only describes an answer; a later version may add members."""

    model_config = ConfigDict(extra="allow")


def no_nul(value: str) -> str:
    """The text, unless it holds U+0000, which Postgres cannot store (ValueError)."""
    if "\0" in value:
        raise invalid_value("nul", _("Text cannot contain the character U+0000"))
    return value


def _only_rfc3339(value: Any) -> Any:
    if isinstance(value, str):
        found = _RFC3339.fullmatch(value)
        if not found:
            raise invalid_value("instant", _("An instant is written like 2026-11-21T15:30:00Z (RFC 3339 with a zone)"))
        if found["second"] == "60":
            said = _("Leap seconds are not counted here: write second 59, or the beginning of the next minute")
            raise invalid_value("leap_second", said)
    if not isinstance(value, str | datetime):
        raise invalid_value("instant", _("An instant is a text like 2026-11-21T15:30:00Z"))
    return value


def _to_utc(value: datetime) -> datetime:
    if not _FIRST_YEAR < value.year <= LAST_YEAR:
        raise invalid_value("instant_range", _("Instants lie in the years 1971 to 2150"))
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_only_rfc3339), AfterValidator(_to_utc)]
"""RFC 3339 with ``Z`` or an offset; becomes UTC. Naive and out-of-range instants are refused."""


def _visible(value: str) -> str:
    """What can be seen of the text (``visible``)."""
    if not (shown := visible(value)):
        raise invalid_value("invisible", _("This text has no visible characters"))
    return shown


def _as_it_is(value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """What an earlier version has stored stays as it is (``STORED``, ``kept``): it may be longer than is taken now."""
    context: dict[str, Container[object]] = info.context or {}
    is_stored = isinstance(value, str) and (info.field_name, value) in context.get("names", ())
    return value if is_stored else check(value)


def _still_within(length: int) -> AfterValidator:
    """What can be seen of a text can be longer than the text was: NFC takes some letters apart."""

    def bounded(value: str) -> str:
        if len(value) > length:
            raise PydanticKnownError("string_too_long", {"max_length": length})
        return value

    return AfterValidator(bounded)


_SEEN: Final = (AfterValidator(no_nul), AfterValidator(_visible))

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    *_SEEN,
    _still_within(200),
    WrapValidator(_as_it_is),
]
"""A person's or a thing's name: 1 to 200 characters on one line, without invisible ones."""

Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    *_SEEN,
    _still_within(100),
    WrapValidator(_as_it_is),
]
"""A tag, a product, a region: 1 to 100 characters on one line, without invisible ones."""

_SHAPE: Final = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$"
_MAILBOX: Final = re.compile(_SHAPE)


def _one_spelling(value: str) -> str:
    """Both steps can make a text longer, so its shape is checked afterwards as well: what is stored is read again."""
    spelt = unicodedata.normalize("NFC", value.lower())
    if not (_MAILBOX.fullmatch(value) and _MAILBOX.fullmatch(spelt)):
        reason = fault_of(value)
        raise invalid_value(
            "email", unsendable(reason) if reason else _("This is not an e-mail address like ana@example.com")
        )
    return spelt


EmailRef = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_one_spelling),
    WrapValidator(_as_it_is),
    Field(examples=["ana@example.com"], json_schema_extra={"pattern": _SHAPE}),
]
"""An e-mail address by which somebody is found, in lower case and composed (NFC): one spelling for one person.

Only its shape is checked, so that whoever was stored with an odd one can be named.
"""

Email = Annotated[EmailRef, AfterValidator(sendable)]
"""An e-mail address that is stored: mail can be sent to it (RFC 5321, 6531). Whether it exists is not looked up."""


def _as_usual(tag: str) -> str:
    """A language tag with the case that is usual: ``pt-br`` becomes ``pt-BR`` (RFC 5646, 2.1.1)."""
    first, *others = tag.split("-")
    by_length = {2: str.upper, 4: str.title}
    return "-".join((first, *(by_length.get(len(part), str.lower)(part) for part in others)))


Locale = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"),
    AfterValidator(_as_usual),
    Field(examples=["es"]),
]
"""A language tag (BCP 47), whose case makes no difference."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(examples=["PL"])]
"""An ISO 3166-1 alpha-2 code."""


def id_pattern(prefix: str) -> str:
    """What an id with this prefix looks like, such as ``tkt_01k9...``, for ``StringConstraints``."""
    return rf"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"


def _known_zone(value: str) -> str:
    if value not in time_zones():
        raise invalid_value("time_zone", _("This is not a time zone of the IANA database, like Europe/Warsaw"))
    return value


TimeZone = Annotated[str, AfterValidator(_known_zone), Field(max_length=64, examples=["America/New_York"])]
"""An IANA time zone."""


def _https(value: str) -> str:
    try:
        read_target(value)
    except Unusable as error:
        raise invalid_value("https", message_of(error)) from error
    url = _URL.validate_python(value)  # as a browser reads it
    if url.scheme != "https":
        raise invalid_value("https", _("Only an https:// address is accepted"))
    if not _can_be_reached(url.host or ""):
        raise invalid_value("https", _("The address has to be one that everyone can reach"))
    return value


def _can_be_reached(host: str) -> bool:
    """Whether a host, as a browser spells it, can mean the same machine to everybody: nothing is looked up."""
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:
        name = host.rstrip(".")
        return "." in name and not name.endswith(".localhost")


HttpsUrl = Annotated[str, Field(max_length=2000), AfterValidator(_https)]
"""An ``https://`` address for people, kept as it was written and never fetched: any public host, any port."""


class ActorRef(Strict):
    """The person for whom an account's key acts."""

    email: EmailRef


class FaultDetail(BaseModel):
    """One place of the input that is wrong."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the body; `#/query/...` etc. for a parameter")
    detail: str
    hint: str | None = None


class ProblemDetails(Document):
    """An error (RFC 9457)."""

    type: str = Field(description="`/problems/<slug>`; never changes its meaning", examples=["/problems/invalid-input"])
    title: str
    status: int
    detail: str | None = None
    instance: str | None = Field(None, description="The path that was asked for")
    request_id: str | None = Field(None, description="The `X-Request-Id` of the answer, by which the log is searched")
    errors: list[FaultDetail] | None = None
    quota: str | None = Field(None, description="The quota or limit that is reached, where one is")
    value: int | None = Field(None, description="How much it allows")
    used: int | None = Field(None, description="How much of it is used")


class Listing(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        description="Pass it as `cursor` for the next page; null on the last one. Where filters leave little, a page "
        "may hold fewer items than `limit`, even none, and the list still goes on; so may a page of long items"
    )


@cache
def page_of(view: type[BaseModel]) -> type[BaseModel]:
    """The model of a list's answer, named after what it lists: ``TicketPage``."""
    doc = f"One page of a list; its items are of the schema {view.__name__}."
    return create_model(f"{view.__name__}Page", __base__=Listing[view], __module__=view.__module__, __doc__=doc)  # type: ignore[valid-type]


def pointer(parts: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) from its reference tokens."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
