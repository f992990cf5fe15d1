"""Errors as RFC 9457 problem details: each carries its status, its stable ``type`` slug and its place in the input."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NotRequired, TypedDict

from pydantic_core import PydanticCustomError

from app.core.text.language import SOURCE, Language
from app.core.text.messages import Message, _, in_language, verbatim


class Fault(TypedDict):
    """One place in the input that is wrong: a JSON pointer (RFC 6901) and what is wrong there."""

    pointer: str
    detail: Message
    hint: NotRequired[Message]


class Problem(Exception):
    """Base of every error that a caller sees. Subclasses fix ``status``, ``slug``, ``title`` and ``meaning``."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[Message] = _("Something went wrong on our side")
    meaning: ClassVar[Message] = _(
        "An unexpected error occurred. The log of the service has the cause, under the id of the request."
    )

    def __init__(
        self,
        detail: Message | None = None,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """``members`` become extension members of the problem document (RFC 9457, 3.2)."""
        super().__init__(detail or self.title)
        self.detail, self.errors, self.headers, self.members = detail, list(errors), dict(headers or {}), members

    def document(self, instance: str = "", request_id: str = "", language: Language = SOURCE) -> dict[str, Any]:
        """The ``application/problem+json`` document in this language; ``request_id`` is what the log has."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title.to(language),
            "status": self.status,
        }
        document |= {"detail": self.detail.to(language)} if self.detail else {}
        document |= {"instance": instance} if instance else {}
        document |= {"request_id": request_id} if request_id else {}
        document |= {"errors": [_written(fault, language) for fault in self.errors]} if self.errors else {}
        return document | {name: _said(member, language) for name, member in self.members.items()}


def _written(fault: Fault, language: Language) -> dict[str, str]:
    return {name: _said(text, language) for name, text in fault.items()}


def _said(value: Any, language: Language) -> Any:
    return in_language(value, language) if isinstance(value, str) else value


def message_of(error: Exception) -> Message:
    """What an error says: the message that it was raised with, or its text as it is."""
    said = error.args[0] if len(error.args) == 1 else None
    return said if isinstance(said, Message) else verbatim(str(error))


def invalid_value(kind: str, message: Message, **context: Any) -> PydanticCustomError:
    """What a validator of a pydantic model raises; ``context`` may hold a ``hint``."""
    return PydanticCustomError(kind, "{message}", {"message": message, **context})


class BadRequest(Problem):
    """400: the request cannot be read at all."""

    status, slug, title = 400, "bad-request", _("The request could not be read")
    meaning = _("The request cannot be read, so nothing was changed.")


class Unauthorized(Problem):
    """401: no key, or one that is unknown, expired or revoked."""

    status, slug, title = 401, "unauthorized", _("A valid API key is needed")
    meaning = _("There is no API key, or it is unknown, expired or revoked.")

    def __init__(self, detail: Message | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class IdentityRefused(Problem):
    """401: the key is valid, but not what the request shows of who its visitor is; ``reason`` says why, in one word."""

    status, slug, title = 401, "identity-refused", _("The identity token is not valid")
    meaning = _(
        "The key is valid, but the identity that the request shows of its visitor is not. The member "
        "“reason” says why, in one word."
    )

    def __init__(self, reason: str = "malformed", detail: Message | None = None) -> None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        super().__init__(detail, headers=challenge, reason=reason)


class Forbidden(Problem):
    """403: the caller may see the resource, but not do this with it."""

    status, slug, title = 403, "forbidden", _("This key or person is not allowed to do that")
    meaning = _("The caller may see the resource, but may not do this with it.")


class NotFound(Problem):
    """404: there is no such resource, or it belongs to another account."""

    status, slug, title = 404, "not-found", _("There is no such resource")
    meaning = _("There is no such resource, or it belongs to another account.")


class MethodNotAllowed(Problem):
    """405: the path exists, the method does not."""

    status, slug, title = 405, "method-not-allowed", _("This path does not support that method")
    meaning = _("The path exists, but not with this method.")


class RequestTimeout(Problem):
    """408: the request was not complete in the time that there is for it."""

    status, slug, title = 408, "request-timeout", _("The request took too long to arrive")
    meaning = _("The request did not arrive completely in the time that is allowed for it.")


class Conflict(Problem):
    """409: the resource is in a state that does not allow it."""

    status, slug, title = 409, "conflict", _("The resource's state does not allow that")
    meaning = _("The resource is in a state that does not allow it.")


class QuotaExceeded(Problem):
    """409: there are as many of something as there may be: ``quota`` of what, ``value`` how many, ``used`` so far."""

    status, slug, title = 409, "quota-exceeded", _("A quota is used up")
    meaning = _(
        "The quota leaves no room for what is requested. The member “quota” names it, “value” says how many there may "
        "be, and “used” how many there are."
    )


class RequestInFlight(Problem):
    """409: the first request with this Idempotency-Key has not answered yet."""

    status, slug, title = 409, "request-in-flight", _("The first request with this Idempotency-Key is still running")
    meaning = _("The first request with this Idempotency-Key has not been answered yet.")


class PreconditionFailed(Problem):
    """412: the resource has changed since the version named by If-Match."""

    status, slug, title = 412, "precondition-failed", _("The resource has changed in the meantime")
    meaning = _("The resource has changed since the version that If-Match names.")


class Gone(Problem):
    """410: the feed does not go back to this cursor's place; read on from the oldest event kept, or from `latest`."""

    status, slug, title = 410, "cursor-gone", _("The feed no longer has this cursor's place")
    meaning = _(
        "The feed no longer reaches back to this cursor. Read on from the oldest event that is kept, or from “latest”."
    )


class PayloadTooLarge(Problem):
    """413: the body is larger than is taken."""

    status, slug, title = 413, "payload-too-large", _("The body is too large")
    meaning = _("The body is larger than the limit for it.")


class UnsupportedMediaType(Problem):
    """415: the body's media type is not one that is taken."""

    status, slug, title = 415, "unsupported-media-type", _("This media type is not supported here")
    meaning = _("The media type of the body is not accepted here.")


class Invalid(Problem):
    """422: the input was read, and is wrong; ``errors`` name the places."""

    status, slug, title = 422, "invalid-input", _("The input is not valid")
    meaning = _("The input was read, and is not valid. The member “errors” names the places.")


class IdempotencyMismatch(Problem):
    """422: the Idempotency-Key was used before with another body."""

    status, slug, title = 422, "idempotency-mismatch", _("This Idempotency-Key was used with another request body")
    meaning = _("The Idempotency-Key was used before, with another body.")


class TooManyRequests(Problem):
    """429: a limit of the key, the account or the address is reached; `quota` is its name."""

    status, slug, title = 429, "too-many-requests", _("A limit is reached")
    meaning = _("A limit of the key, the account or the address is reached. The member “quota” has its name.")


class HeadTooLarge(Problem):
    """431: the request line and the header fields are larger, or more, than is taken."""

    status, slug, title = 431, "head-too-large", _("The request's header is too large")
    meaning = _("The request line and the header fields are larger, or more, than is allowed.")


class Unavailable(Problem):
    """503: the service cannot do it now; ``Retry-After`` says when to try again."""

    status, slug, title = 503, "unavailable", _("Not available right now")
    meaning = _("The service cannot do it now. The header field Retry-After says when to try again.")


class TooLong(Unavailable):
    """503: a heavy computation was ended because it took longer than it may."""


class Starved(TooLong):
    """503: it was ended because the machine left it next to no processor for a long time."""


class Crowded(Unavailable):
    """503: no turn at a heavy computation came in time, since too many wait for one."""


def as_unavailable(refusal: TooManyRequests) -> Unavailable:
    """The same as a 503, for senders that try that again and give up at a 429 (Alertmanager)."""
    return Unavailable(refusal.detail, headers=refusal.headers, **refusal.members)
