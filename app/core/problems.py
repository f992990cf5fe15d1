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
    """Base of every error that a caller sees. Subclasses fix ``status``, ``slug`` and ``title``."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[Message] = _("Something went wrong on our side")

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


class Unauthorized(Problem):
    """401: no key, or one that is unknown, expired or revoked."""

    status, slug, title = 401, "unauthorized", _("A valid API key is needed")

    def __init__(self, detail: Message | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class IdentityRefused(Problem):
    """401: the key is valid, but not what the request shows of who its visitor is; ``reason`` says why, in one word."""

    status, slug, title = 401, "identity-refused", _("The identity token is not valid")

    def __init__(self, reason: str = "malformed", detail: Message | None = None) -> None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        super().__init__(detail, headers=challenge, reason=reason)


class Forbidden(Problem):
    """403: the caller may see the resource, but not do this with it."""

    status, slug, title = 403, "forbidden", _("This key or person is not allowed to do that")


class NotFound(Problem):
    """404: there is no such resource, or it belongs to another account."""

    status, slug, title = 404, "not-found", _("There is no such resource")


class MethodNotAllowed(Problem):
    """405: the path exists, the method does not."""

    status, slug, title = 405, "method-not-allowed", _("This path does not support that method")


class RequestTimeout(Problem):
    """408: the request was not complete in the time that there is for it."""

    status, slug, title = 408, "request-timeout", _("The request took too long to arrive")


class Conflict(Problem):
    """409: the resource is in a state that does not allow it."""

    status, slug, title = 409, "conflict", _("The resource's state does not allow that")


class QuotaExceeded(Problem):
    """409: there are as many of something as there may be: ``quota`` of what, ``value`` how many, ``used`` so far."""

    status, slug, title = 409, "quota-exceeded", _("A quota is used up")


class RequestInFlight(Problem):
    """409: the first request with this Idempotency-Key has not answered yet."""

    status, slug, title = 409, "request-in-flight", _("The first request with this Idempotency-Key is still running")


class PreconditionFailed(Problem):
    """412: the resource has changed since the version named by If-Match."""

    status, slug, title = 412, "precondition-failed", _("The resource has changed in the meantime")


class Gone(Problem):
    """410: the feed does not go back to this cursor's place; read on from the oldest event kept, or from `latest`."""

    status, slug, title = 410, "cursor-gone", _("The feed no longer has this cursor's place")


class PayloadTooLarge(Problem):
    """413: the body is larger than is taken."""

    status, slug, title = 413, "payload-too-large", _("The body is too large")


class UnsupportedMediaType(Problem):
    """415: the body's media type is not one that is taken."""

    status, slug, title = 415, "unsupported-media-type", _("This media type is not supported here")


class Invalid(Problem):
    """422: the input was read, and is wrong; ``errors`` name the places."""

    status, slug, title = 422, "invalid-input", _("The input is not valid")


class IdempotencyMismatch(Problem):
    """422: the Idempotency-Key was used before with another body."""

    status, slug, title = 422, "idempotency-mismatch", _("This Idempotency-Key was used with another request body")


class TooManyRequests(Problem):
    """429: a limit of the key, the account or the address is reached; `quota` is its name."""

    status, slug, title = 429, "too-many-requests", _("A limit is reached")


class HeadTooLarge(Problem):
    """431: the request line and the header fields are larger, or more, than is taken."""

    status, slug, title = 431, "head-too-large", _("The request's header is too large")


class Unavailable(Problem):
    """503: the service cannot do it now; ``Retry-After`` says when to try again."""

    status, slug, title = 503, "unavailable", _("Not available right now")


class TooLong(Unavailable):
    """503: a heavy computation was ended because it took longer than it may."""


def as_unavailable(refusal: TooManyRequests) -> Unavailable:
    """The same as a 503, for senders that try that again and give up at a 429 (Alertmanager)."""
    return Unavailable(refusal.detail, headers=refusal.headers, **refusal.members)
