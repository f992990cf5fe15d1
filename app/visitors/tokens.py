"""Identity tokens: JWTs in which a host product says who looks at its page. Pure.

What a token says counts once its signature does, by a key that the widget key names, with the algorithm of that key
and no other. Times are compared with the database's clock, as the expiry of keys is.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import jwt
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError

from app.core.auth import TrustedKey, Widget, address_mark
from app.core.keys.trusted import ALGORITHMS, LONGEST_KID, Unfit, material
from app.core.problems import IdentityRefused
from app.core.schemas.shared import Email, Locale, Name, TimeZone, no_nul
from app.core.text.messages import _

LONGEST: Final = 4096
"""Characters of a token."""
LIFETIME: Final = timedelta(hours=24)
"""How far ahead a token may expire: one that is stolen is soon no use."""
LEEWAY: Final = timedelta(seconds=30)
"""By how much the clocks of the host product and the database may differ."""
_LAST: Final = 2**37
_OURS: Final = ("exp", "nbf", "iat", "sub", "jti")
"""Claims at which the library does not look: ``Claims`` does, or they are the host product's own business."""
_OPTIONS: Final = {f"verify_{claim}": False for claim in _OURS} | {"require": ["aud"]}

Seconds = Annotated[float, Field(strict=True, ge=0, le=_LAST, allow_inf_nan=False)]


class Claims(BaseModel):
    """What a token says; other claims are the host product's own business."""

    sub: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200), AfterValidator(no_nul)]
    email: Email
    name: Name
    exp: Seconds
    nbf: Seconds = 0
    iat: Seconds = 0
    email_verified: bool = True
    external_ref: Name | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A token whose signature has not been checked: only what says by which key that is done."""

    text: str
    kid: str
    alg: str


def read(token: str) -> Sealed:
    """The token as it is shown. Raises ``IdentityRefused``."""
    if len(token) > LONGEST:
        raise IdentityRefused("malformed", _("An identity token has at most {most} characters", most=LONGEST))
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise _malformed() from None
    alg, kid = header.get("alg"), header.get("kid")
    if "crit" in header:
        raise _malformed()
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise IdentityRefused("algorithm", _("Identity tokens are signed with {algorithms}", algorithms=ALGORITHMS))
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID or not kid.isprintable():
        raise IdentityRefused("unknown_key", _("The header of an identity token names its key by kid"))
    return Sealed(token, kid, alg)


def opened(sealed: Sealed, key: TrustedKey, widget: Widget) -> Claims:
    """What the token says, once it is found to be signed with this key for us. Raises ``IdentityRefused``."""
    if sealed.alg != key.alg:
        raise IdentityRefused("algorithm", _("The key {kid} is for {alg}", kid=key.kid, alg=key.alg))
    try:
        stated = jwt.decode(
            sealed.text,
            material(key.alg, key.key),
            algorithms=[key.alg],
            audience=widget.audience,
            issuer=widget.issuer,
            options=_OPTIONS,  # type: ignore[arg-type]  # a TypedDict
        )
    except Unfit as error:
        raise IdentityRefused("unknown_key", error.reason) from None
    except jwt.PyJWTError as error:
        raise _refusal(error) from None
    try:
        return Claims.model_validate(stated)
    except ValidationError as error:
        places = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        raise IdentityRefused(
            "claims", _("Claims that are missing or cannot be used: {claims}", claims=places)
        ) from None


def check_times(claims: Claims, now: datetime) -> datetime:
    """When the token ends. Raises ``IdentityRefused`` where it is over, not valid yet, or valid for too long."""
    ends = datetime.fromtimestamp(claims.exp, UTC)
    if now >= ends + LEEWAY:
        raise IdentityRefused("expired", _("The identity token has expired"))
    if ends > now + LIFETIME + LEEWAY:
        raise IdentityRefused("lifetime", _("An identity token expires within 24 hours"))
    if max(claims.nbf, claims.iat) > (now + LEEWAY).timestamp():
        raise IdentityRefused("not_yet_valid", _("The identity token is not valid yet"))
    return ends


def marks_of(claims: Claims, scope: str) -> tuple[str, ...]:
    """By which the tickets of this visitor are known: the host product's own id of them, and their verified address.

    ``scope`` is whoever gives out those ids. Both are hashed: a ticket bears them for good.
    """
    own = hashlib.sha256(f"sub\n{scope}\n{claims.sub}".encode()).hexdigest()[:32]
    return (own, address_mark(claims.email)) if claims.email_verified else (own,)


def _malformed() -> IdentityRefused:
    return IdentityRefused("malformed", _("This is not a JWT (RFC 7519)"))


def _refusal(error: jwt.PyJWTError) -> IdentityRefused:
    claim = getattr(error, "claim", None)
    if isinstance(error, jwt.InvalidAudienceError) or claim == "aud":
        return IdentityRefused("audience", _("The identity token is for somebody else (aud)"))
    if isinstance(error, jwt.InvalidIssuerError) or claim == "iss":
        return IdentityRefused("issuer", _("The identity token is from somebody else (iss)"))
    if isinstance(error, jwt.InvalidSignatureError):
        return IdentityRefused("signature", _("The signature of the identity token is wrong"))
    return _malformed()
