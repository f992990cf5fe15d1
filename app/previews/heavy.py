"""A preview in a process of its own: what it is given, and what it remembers. Pure."""

from collections.abc import Set as AbstractSet
from typing import Final

import orjson

from app.core.process.memory import Memory
from app.core.text.language import Language
from app.previews.answers import previewed
from app.previews.schemas import PreviewRequest
from app.previews.terms import StoredPlan, plan_for

_MEMORY: Final = Memory(64)
"""This process's, of plans by their content."""


def answer(body: bytes, stored: StoredPlan | None, hidden: AbstractSet[str], language: Language) -> bytes:
    """The answer as it is sent to a request with this body, which was found valid. Raises ``Invalid``."""
    command = PreviewRequest.model_validate(orjson.loads(body))
    plan = plan_for(_MEMORY, command, stored)
    return orjson.dumps(previewed(command, plan, hidden, language), option=orjson.OPT_UTC_Z)
