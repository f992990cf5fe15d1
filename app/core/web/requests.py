"""A request as FastAPI gets it, whose body has been read."""

from typing import Any

from fastapi import Request


class StrictRequest(Request):
    """A request whose JSON has been read by ``read_json`` before FastAPI asks for it."""

    def __init__(self, plain: Request, parsed: Any) -> None:
        super().__init__(plain.scope, plain.receive)
        self._plain, self._parsed = plain, parsed

    async def body(self) -> bytes:
        """The bytes that were read."""
        return await self._plain.body()

    async def json(self) -> Any:
        """The value that was read."""
        return self._parsed
