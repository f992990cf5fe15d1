"""Reading server-sent events, as a client does (WHATWG HTML, 9.2.6)."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson


@dataclass
class Reader:
    """A client that remembers what it was told; ``last_id`` is its ``Last-Event-ID``."""

    url: str
    headers: dict[str, str]
    last_id: str = ""
    told: list[Any] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    async def read(self, **params: Any) -> None:
        """Read one stream to its end."""
        headers = self.headers | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        timeout = httpx.Timeout(30)
        async with (
            httpx.AsyncClient(base_url=self.url, headers=headers, timeout=timeout, trust_env=False) as client,
            client.stream("GET", "/v1/events/stream", params=params) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            async for block in _blocks(answer.aiter_lines()):
                self._take(block)

    def _take(self, block: Iterable[str]) -> None:
        fields = {name: value.removeprefix(" ") for line in block for name, _, value in [line.partition(":")]}
        if fields.get("") is not None:
            self.comments.append(fields[""])
        self.last_id = fields.get("id", self.last_id)
        if "data" in fields:
            event = orjson.loads(fields["data"])
            assert (event["cursor"], event["type"]) == (fields["id"], fields["event"])
            self.told.append(event)

    @property
    def ids(self) -> list[str]:
        """The ids of the events, in the order in which they were told."""
        return [event["id"] for event in self.told]


async def _blocks(lines: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    """What stands between blank lines; what broke off before one is nothing."""
    block: list[str] = []
    async for line in lines:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []
