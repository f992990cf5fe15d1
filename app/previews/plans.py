"""The plan that a preview names, as it is stored."""

import hashlib
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import lookup
from app.core.problems import Fault, Invalid
from app.core.state import State
from app.core.text.messages import Message, _
from app.previews.schemas import PreviewRequest
from app.previews.terms import StoredPlan

_CURRENT: Final = "SELECT max(version) FROM plan_versions WHERE key = $1 AND archived_at IS NULL"
_DOCUMENT: Final = "SELECT document::text FROM plan_versions WHERE key = $1 AND version = $2"


async def stored_plan(state: State, command: PreviewRequest) -> StoredPlan | None:
    """The version that the preview names; None where it brings a document. ``Invalid`` for what is not stored."""
    if isinstance(command.plan, dict):
        if command.version is not None:
            raise _invalid("/version", _("A plan document that comes with the request has no version"))
        return None
    if not isinstance(command.plan, str):
        raise _invalid("/plan", _("A plan is named by its key, or given as a whole document"))
    version = command.version or await _current(state.engine, command.plan)
    name = (command.plan, version)
    known = state.previews.recall(StoredPlan, name)
    return known or state.previews.keep(name, await _stored(state.engine, command.plan, version))


async def _current(engine: AsyncEngine, key: str) -> int:
    """The plan's current version, in one round trip: it may be another one at any time."""
    async with lookup(engine) as connection:
        version: int | None = await connection.fetchval(_CURRENT, key)
    if version is None:
        raise _invalid("/plan", _("There is no plan {key}", key=key))
    return version


async def _stored(engine: AsyncEngine, key: str, version: int) -> StoredPlan:
    async with lookup(engine) as connection:
        document: str | None = await connection.fetchval(_DOCUMENT, key, version)
    if document is None:
        raise _invalid("/version", _("There is no version {version} of the plan {key}", version=version, key=key))
    text = document.encode()
    return StoredPlan(key, version, text, hashlib.sha256(text).digest())


def _invalid(place: str, detail: Message) -> Invalid:
    return Invalid(errors=[Fault(pointer=place, detail=detail)])
