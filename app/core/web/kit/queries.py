"""The parameters of a query that takes many: read at once, and once for all that ask the same."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from inspect import signature
from typing import Any, Final, Generic, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import QueryParams

from app.core.web.query_names import takes_several

T = TypeVar("T")
_REMEMBERED: Final = 200
_SHORT: Final = 500
"""Bytes of a query that is remembered."""


class Filled(Generic[T]):
    """A dependency that makes a frozen dataclass of query parameters, which are its fields.

    FastAPI reads parameters one by one: for a dozen of them, that takes longer than all else that is done for a list.
    """

    def __init__(self, model: type[T]) -> None:
        self.parameters: Sequence[Mapping[str, Any]] = _documented(model)
        """as the OpenAPI document shows them"""
        self._lists = {each["name"]: takes_several(each["schema"]) for each in self.parameters}
        self._reader: TypeAdapter[T] = TypeAdapter(model)
        self._remembered = lru_cache(_REMEMBERED)(self._read)

    async def __call__(self, request: Request) -> T:
        """The parameters of a request. ``RequestValidationError`` where they are wrong."""
        query: bytes = request.scope["query_string"]
        return self._remembered(query) if len(query) <= _SHORT else self._read(query)

    def _read(self, query: bytes) -> T:
        given = QueryParams(query)
        values = {
            name: given.getlist(name) if several else given[name]
            for name, several in self._lists.items()
            if name in given
        }
        try:
            return self._reader.validate_python(values)
        except ValidationError as error:
            faults = [{**each, "loc": ("query", *each["loc"])} for each in error.errors(include_url=False)]
            raise RequestValidationError(faults) from error


def _documented(model: type[Any]) -> Sequence[Mapping[str, Any]]:
    async def show(**_given: Any) -> None:
        """An operation with these parameters."""

    show.__signature__ = signature(model).replace(return_annotation=None)  # type: ignore[attr-defined]
    app = FastAPI()
    app.get("/")(show)
    parameters: Sequence[Mapping[str, Any]] = app.openapi()["paths"]["/"]["get"]["parameters"]
    return parameters
