"""The parameters of a query that takes many: read at once, and once for all that ask the same."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from inspect import signature
from typing import Any, Final, Generic, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from app.core.web.faults import Error
from app.core.web.query_names import takes_several

T = TypeVar("T")
_REMEMBERED: Final = 200
_SHORT: Final = 500
"""At most so many bytes has a query that is remembered."""


class Filled(Generic[T]):
    """A dependency that makes a dataclass of query parameters, which are its fields.

    FastAPI reads parameters one by one: for a dozen of them, that takes longer than all else that is done for a list.
    What was read is given to all who ask the same, so it has to be frozen, and its sequences are tuples.
    """

    def __init__(self, model: type[T]) -> None:
        self.parameters: Sequence[Mapping[str, Any]] = _documented(model)
        """as the OpenAPI document shows them"""
        self._several = {each["name"]: takes_several(each["schema"]) for each in self.parameters}
        self._reader: TypeAdapter[T] = TypeAdapter(model)
        self._remembered = lru_cache(_REMEMBERED)(self._read)

    async def __call__(self, request: Request) -> T:
        """The parameters of a request. ``RequestValidationError`` where they are wrong."""
        try:
            return self._of(request)
        except ValidationError as error:
            raise RequestValidationError(_located(error)) from error

    def errors(self, request: Request) -> Sequence[Error]:
        """What is wrong with the parameters of a request."""
        try:
            self._of(request)
        except ValidationError as error:
            return _located(error)
        return ()

    def _of(self, request: Request) -> T:
        asked = request.query_params
        given = tuple(
            (name, tuple(asked.getlist(name)) if several else asked[name])
            for name, several in self._several.items()
            if name in asked
        )
        is_short = len(request.scope["query_string"]) <= _SHORT
        return self._remembered(given) if is_short else self._read(given)

    def _read(self, given: tuple[tuple[str, Any], ...]) -> T:
        return self._reader.validate_python(dict(given))


def _located(error: ValidationError) -> Sequence[Error]:
    return [{**each, "loc": ("query", *each["loc"])} for each in error.errors(include_url=False)]


def _documented(model: type[Any]) -> Sequence[Mapping[str, Any]]:
    async def show(**_given: Any) -> None:
        """An operation with these parameters."""

    show.__signature__ = signature(model).replace(return_annotation=None)  # type: ignore[attr-defined]
    app = FastAPI()
    app.get("/")(show)
    parameters: Sequence[Mapping[str, Any]] = app.openapi()["paths"]["/"]["get"]["parameters"]
    return parameters
