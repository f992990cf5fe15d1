"""The text of the metrics for Prometheus: however often it is asked for, writing it takes a bounded share of time."""

import asyncio
from collections.abc import Callable
from itertools import product
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app.core.clock import monotonic

Encoder: TypeAlias = Callable[[Collector], bytes]

_REST: Final = 4
"""Writing the text holds up everything else, so afterwards nothing is written for this many times as long."""
_LONGEST: Final = 1000
"""Characters that are read of an ``Accept`` field; Prometheus sends less than three hundred."""
_KINDS: Final = ("application/openmetrics-text", "text/plain")
_PARAMETERS: Final = (
    "",
    *(f"; version=1.0.0; escaping={how}" for how in ("allow-utf-8", "underscores", "dots", "values")),
)


def _offered() -> dict[str, Encoder]:
    chosen = (choose_encoder(kind + parameters) for kind, parameters in product(_KINDS, _PARAMETERS))
    return {media_type: encode for encode, media_type in chosen}


_OFFERED: Final = _offered()
_DEFAULT: Final = choose_encoder("")[1]


class Exposition:
    """The metrics of a registry as text. All who wait for the same media type share what is written next."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._next: dict[str, asyncio.Task[bytes]] = {}
        self._turn, self._not_before = asyncio.Lock(), 0.0

    async def text(self, accept: str) -> tuple[bytes, str]:
        """The metrics as of some instant from now on, and their media type, by what an ``Accept`` field asks for."""
        media_type = media_type_for(accept)
        if media_type not in self._next:
            self._next[media_type] = asyncio.create_task(self._write(media_type), name="metrics")
        return await asyncio.shield(self._next[media_type]), media_type

    async def _write(self, media_type: str) -> bytes:
        async with self._turn:
            await asyncio.sleep(self._not_before - monotonic())
            del self._next[media_type]  # whoever asks from here on wants to see what happens from here on
            started = monotonic()
            text = _OFFERED[media_type](self._registry)
            ended = monotonic()
            self._not_before = ended + _REST * (ended - started)
            return text


def media_type_for(accept: str) -> str:
    """The media type that an ``Accept`` field gets; plain text where it asks for nothing that there is."""
    try:
        _, media_type = choose_encoder(accept[:_LONGEST])
    except TypeError:  # a version that is no number
        return _DEFAULT
    return media_type if media_type in _OFFERED else _DEFAULT
