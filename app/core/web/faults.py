"""What pydantic finds wrong with a request, as the faults of a problem document. Pure."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from app.core.problems import Fault
from app.core.schemas.shared import pointer
from app.core.schemas.validation import faults_in, said_of
from app.core.text.messages import Message

_MAX_FAULTS: Final = 50
_BODY: Final = "body"

Error = Mapping[str, Any]


def request_faults(errors: Sequence[Error], body: Any) -> list[Fault]:
    """FastAPI's errors as pointers: into the body, or ``#/query/limit`` for a parameter."""
    of_parameters = [error for error in errors if error["loc"][:1] not in ((), (_BODY,))]
    of_body = [{**error, "loc": error["loc"][1:]} for error in errors if error["loc"][:1] in ((), (_BODY,))]
    faults = [_parameter_fault(error) for error in of_parameters[:_MAX_FAULTS]]
    return [*faults, *document_faults(of_body, body)][:_MAX_FAULTS]


def document_faults(errors: Sequence[Error], document: Any) -> list[Fault]:
    """Pydantic's errors as pointers into the document that was validated."""
    found = (_fault(pointer(place), detail, hint) for place, detail, hint in faults_in(errors, document))
    return list(islice(found, _MAX_FAULTS))


def _parameter_fault(error: Error) -> Fault:
    source, name, *rest = error["loc"]
    place = pointer([name, *(step for step in rest if isinstance(step, int))])
    return _fault(f"#/{source}{place}", said_of(error), error.get("ctx", {}).get("hint"))


def _fault(place: str, detail: Message, hint: Message | None) -> Fault:
    return Fault(pointer=place, detail=detail, hint=hint) if hint else Fault(pointer=place, detail=detail)
