"""What is sent and answered about hooks and what they received."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints, ValidationInfo, model_validator

from app.accounts.schemas import AccountId
from app.calendars.durations import parse_duration
from app.core.jmespath.projection import compile_projection
from app.core.problems import invalid_value
from app.core.schemas.mailboxes import STORED
from app.core.schemas.shared import ActorRef, Email, Name, Strict, Word, at_most, few_values, no_nul
from app.core.text.messages import _
from app.inbound import examples
from app.inbound.formats.generic import Interpretation
from app.inbound.formats.signal import Status
from app.inbound.formats.signatures import SIGNED, Scheme
from app.inbound.formats.statuses import ACKNOWLEDGED, RESOLVED, plain
from app.inbound.mail.schemas import MailRules
from app.tickets.schemas import Environment, Impact, Priority, Title, Urgency
from app.webhooks.rules.signing import signature as standard_signature

Format = Literal["generic", "alertmanager", "grafana", "pagerduty", "cloudevents", "email"]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(no_nul)]
LabelValue = Annotated[str, StringConstraints(max_length=500), AfterValidator(no_nul)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[!-~]{16,500}$")]
_NEVER: Final = "PT0S"
MAX_MAPPED: Final = 3_000
"""Values of a hook's mapping, those of all its rules and lists together."""


def _expression(value: str) -> str:
    compile_projection(value)
    return value


Expression = Annotated[
    str, StringConstraints(min_length=1, max_length=1_000), AfterValidator(no_nul), AfterValidator(_expression)
]


def _window(value: str) -> str:
    if value != _NEVER:
        parse_duration(value)
    return value


Window = Annotated[str, StringConstraints(max_length=40), AfterValidator(_window)]


def _is_standard(secret: str) -> bool:
    try:
        standard_signature(secret, "", 0, b"")
    except ValueError:
        return False
    return True


class Signature(Strict):
    """How a sender proves who it is."""

    scheme: Scheme = Field(
        "key",
        description="`key`: the hook's key as a bearer token, as the password of Basic, as `?key=` or as PagerDuty's "
        "`routing_key`; `bearer` and `basic` accept it in that way alone; the others check an HMAC-SHA256 in the "
        "sender's own header; `none` checks nothing: whoever knows the hook's id, and all who may read it do, can post "
        "to it",
    )
    secret: Secret | None = Field(
        None, description="For an HMAC: the sender's own secret, if it cannot use one that is made here. Never shown"
    )
    header: HeaderName | None = Field(None, description="Of `hmac`: the header with the signature over the body")
    prefix: Annotated[str, StringConstraints(max_length=40, pattern=r"^[!-~]*$")] = Field(
        "", description="Of `hmac`: what comes before the signature, like `sha256=`"
    )
    encoding: Literal["hex", "base64"] = Field("hex", description="Of `hmac`")

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> Self:
        if (self.scheme == "hmac") != (self.header is not None):
            raise invalid_value("header", _("Only the scheme hmac names a header"))
        if self.secret and self.scheme not in SIGNED:
            raise invalid_value("secret", _("Only an HMAC has a secret of the sender's; keys are made here"))
        if self.secret and self.scheme == "standard_webhooks" and not _is_standard(self.secret):
            raise invalid_value("secret", _("A secret of Standard Webhooks is whsec_ and base64"))
        return self


class Urgent(Strict):
    """A priority, or the impact and urgency of which the plan's matrix makes one."""

    priority: Priority | None = None
    impact: Impact | None = None
    urgency: Urgency | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.impact is None) != (self.urgency is None):
            raise invalid_value("matrix", _("Impact and urgency go together: the matrix needs both"))
        if self.priority and self.impact:
            raise invalid_value("matrix", _("Name a priority, or impact and urgency"))
        return self


class Rule(Urgent):
    """What follows from labels."""

    match: Annotated[
        dict[LabelName, LabelValue | list[LabelValue]], Field(min_length=1, max_length=10), at_most(10)
    ] = Field(description="Each of these labels has this value, or one of these values")
    environment: Environment | None = None


class Expressions(Strict):
    """JMESPath expressions that find the parts of an alert where its sender has them; all are optional."""

    each: Expression | None = Field(None, description="Over the payload: the list of its alerts")
    key: Expression | None = Field(
        None, description="What identifies the alert: the same each time its sender reports it"
    )
    status: Expression | None = Field(
        None, description="A word of `status_words`, or true or false: whether it fires. Anything else counts as firing"
    )
    title: Expression | None = None
    text: Expression | None = None
    labels: Expression | None = Field(None, description="An object of texts: what `mapping` looks at")
    group: Expression | None = None
    starts_at: Expression | None = Field(
        None, description="When it began to fire. A later instant is another time that it fires"
    )
    ends_at: Expression | None = Field(
        None, description="When it was over. A resolve that ended before what fires began changes nothing"
    )
    link: Expression | None = None

    def given(self) -> dict[str, str]:
        """The expressions that are given, by part."""
        return self.model_dump(exclude_none=True)


StatusWord = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(no_nul)]
StatusWordList = Annotated[list[StatusWord], Field(max_length=50), at_most(50)]


class StatusWords(Strict):
    """Further words of a sender's status, which go before the usual ones. Case, `_` and `-` make no difference."""

    resolved: StatusWordList = Field(
        default_factory=list, description=f"Beside {', '.join(f'`{word}`' for word in RESOLVED)}"
    )
    acknowledged: StatusWordList = Field(
        default_factory=list, description=f"Beside {', '.join(f'`{word}`' for word in ACKNOWLEDGED)}"
    )
    firing: StatusWordList = Field(default_factory=list, description="Beside all other words: those that mean neither")

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        words = [plain(word) for word in (*self.resolved, *self.acknowledged, *self.firing)]
        if "" in words or len(set(words)) < len(words):
            raise invalid_value("words", _("A status word is not blank, and appears once, in one list only"))
        return self

    def given(self) -> dict[str, Status]:
        """The state that each word means."""
        lists: dict[Status, list[str]] = {
            "resolved": self.resolved,
            "acknowledged": self.acknowledged,
            "firing": self.firing,
        }
        return {plain(word): status for status, words in lists.items() for word in words}


class HookRequester(Strict):
    """On whose behalf tickets are opened."""

    name: Name
    email: Email


class HookFields(Urgent):
    """What can be written about a hook, and changed later."""

    name: Name
    format: Format = Field(
        "generic", description="The format of what is posted to the hook's address without the name of a format"
    )
    product: Word | None = None
    signature: Signature = Field(default_factory=Signature)
    environment: Environment = "production"
    mapping: Annotated[list[Rule], few_values(MAX_MAPPED)] = Field(
        default_factory=list,
        max_length=100,
        description="The first rule that matches decides how urgent an alert is, the first with an "
        "environment decides where. Without one, the hook's own priority (or impact and urgency) and environment apply",
    )
    expressions: Expressions = Field(
        default_factory=Expressions,
        description="For `generic` and `cloudevents`. A part that no expression finds is read from the usual members",
    )
    status_words: StatusWords = Field(
        default_factory=StatusWords, description="For `generic` and `cloudevents`: the sender's own words of a status"
    )
    title: Title | None = Field(None, description="The tickets' title, with labels like `{instance}`; else the alert's")
    requester: HookRequester | None = Field(None, description="On whose behalf tickets are opened; else the hook's")
    tags: list[Word] = Field(default_factory=list, max_length=20)
    ticket_per: Literal["alert", "group"] = Field(
        "alert", description="A ticket for each alert, or one for all alerts of the sender's group"
    )
    grouping_window: Window = Field(
        "PT1H",
        description="An alert that fires again this soon after its ticket was resolved reopens it; later, or with "
        "`PT0S`, a new ticket follows up",
    )
    on_resolve: Literal["resolve", "message", "note"] = Field(
        "resolve",
        description="Once nothing fires any more: resolve the ticket, or add a message or an internal note",
    )
    mail: MailRules = Field(
        default_factory=MailRules,
        description="For what comes to the hook's address for e-mails (`/email`), whatever its `format` is",
    )
    enabled: bool = True

    @model_validator(mode="after")
    def _knows_who_posts(self, info: ValidationInfo) -> Self:
        if info.context is not STORED and self.signature.scheme == "none" and self.mail.trusts:
            raise invalid_value(
                "mail",
                _("A hook to which everybody can post has no authserv_id, and no e-mails of other accounts"),
            )
        return self

    @property
    def interpretation(self) -> Interpretation:
        """How any JSON is read."""
        return Interpretation(self.expressions.given(), self.status_words.given())


ACCOUNT: Final = "acc_01k9z3v5q8e9rbn3wz4m6t7y2a"
WRITTEN: Final[dict[str, Any]] = {
    "name": "Prometheus",
    "format": "alertmanager",
    "mapping": [
        {"match": {"severity": "critical"}, "priority": "P2"},
        {"match": {"env": ["staging", "test"]}, "environment": "non_production"},
    ],
    "requester": {"name": "Operations", "email": "ops@example.com"},
    "on_resolve": "resolve",
}
"""The document's example of a hook."""


class NewHook(HookFields):
    """A new hook."""

    model_config = ConfigDict(json_schema_extra={"examples": [WRITTEN | {"account_id": ACCOUNT}]})

    account_id: AccountId | None = Field(None, description="Needed with an admin's key; else the key's own")
    actor: ActorRef | None = Field(None, description="The person for whom the account's key acts")


class TrialPayload(Strict):
    """A payload to try a hook with."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"format": "alertmanager", "payload": examples.ALERTMANAGER}]}
    )

    payload: JsonValue = Field(description="What would be posted; an e-mail as one string")
    format: Format | None = Field(None, description="By default the hook's own")
    headers: Annotated[dict[HeaderName, LabelValue], Field(max_length=50), at_most(50)] = Field(
        default_factory=dict, description="Of a binary CloudEvent, in lower case: its attributes"
    )
