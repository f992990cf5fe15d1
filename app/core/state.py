"""What one running process has: built in ``resources.py``, passed on, never a global."""

from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Sessions
from app.core.settings import Settings
from app.core.signals import Alarms


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a use case may need from its process."""

    settings: Settings
    engine: AsyncEngine
    sessions: Sessions
    http: httpx.AsyncClient
    alarms: Alarms


def get_state(request: Request) -> State:
    """The state that the lifespan put on the application."""
    state: State = request.app.state.heliodesk
    return state


StateDep = Annotated[State, Depends(get_state)]
