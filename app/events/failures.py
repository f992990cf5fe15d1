"""Why a call got no link: by codes, and in words. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from app.core.text.messages import Message, _, joined, verbatim

FailureCode: TypeAlias = Literal[
    "not_configured",
    "rate_limited",
    "refused",
    "timed_out",
    "unreachable",
    "answer_lost",
    "unreadable_answer",
    "internal_error",
]
_WORDS: Final[Mapping[str, Message]] = {
    "rate_limited": _("its users have created as many rooms as they may in a minute"),
    "refused": _("it answered {status}"),
    "timed_out": _("it did not answer in time"),
    "unreachable": _("it cannot be reached"),
    "answer_lost": _("its answer was lost"),
    "unreadable_answer": _("its answer cannot be read"),
    "internal_error": _("an internal error occurred"),
}


class CallFailure(BaseModel):
    """Why one provider made no link for a call."""

    model_config = ConfigDict(frozen=True)

    provider: str
    code: FailureCode = Field(
        description="`not_configured`: this installation does not have it; `rate_limited`: its users may create no "
        "more rooms for now; `refused`: it answered with `status`; `answer_lost`: the connection broke; "
        "`internal_error`: see the service's log"
    )
    status: int | None = Field(None, description="The HTTP status of what it answered, where it answered an error")


def in_words(code: FailureCode, status: int | None = None) -> Message:
    """What went wrong with a provider, as a part of a sentence whose subject is the provider."""
    return _WORDS[code].given(status=str(status))


def stated(failures: Sequence[Mapping[str, Any] | str]) -> list[Mapping[str, Any]]:
    """The failures that are codes: earlier versions have stored sentences."""
    return [failure for failure in failures if isinstance(failure, Mapping)]


def why_no_link(failures: Sequence[Mapping[str, Any] | str]) -> Message:
    """Why a call has failed, by the ``CallFailure`` of each provider that was to make its link."""
    if not failures:
        return _("No link could be created: the plan names no provider")
    return _("No link could be created: {reasons}", reasons=joined(_of(failure) for failure in failures))


def _of(failure: Mapping[str, Any] | str) -> Message:
    if isinstance(failure, str):
        return verbatim(failure)
    if failure["code"] == "not_configured":
        return _("{provider} is not configured", provider=failure["provider"])
    return joined((failure["provider"], in_words(failure["code"], failure.get("status"))), ": ")
