from dataclasses import dataclass
from typing import Annotated

import pytest
from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError

from app.core.web.kit.queries import Filled


@dataclass(frozen=True, slots=True)
class Wanted:
    tier: Annotated[int | None, Query(ge=1)] = None
    status: Annotated[tuple[str, ...] | None, Query(max_length=2)] = None
    sort: Annotated[str, Query(pattern="^(due|created)$")] = "created"


_filled = Filled(Wanted)


async def _read(query: str) -> Wanted:
    return await _filled(Request({"type": "http", "query_string": query.encode()}))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Wanted()),
        ("tier=2&sort=due", Wanted(tier=2, sort="due")),
        ("status=open", Wanted(status=("open",))),
        ("status=open&tier=1&status=on%20hold", Wanted(tier=1, status=("open", "on hold"))),
        ("limit=50&tier=3", Wanted(tier=3)),
    ],
)
async def test_a_query_is_read_as_its_fields(query: str, wanted: Wanted) -> None:
    assert await _read(query) == wanted


async def test_every_fault_of_a_query_is_named_each_time_it_comes() -> None:
    for _ in range(2):
        with pytest.raises(RequestValidationError) as raised:
            await _read("tier=0&status=a&status=b&status=c&sort=size")
        places = [error["loc"] for error in raised.value.errors()]
        assert places == [("query", "tier"), ("query", "status"), ("query", "sort")]


async def test_a_query_that_comes_again_is_not_read_again_unless_it_is_long() -> None:
    assert await _read("tier=4") is await _read("tier=4")
    long = f"status={'x' * 600}"
    assert await _read(long) == await _read(long)
    assert await _read(long) is not await _read(long)


def test_the_document_shows_the_fields_as_parameters() -> None:
    shown = {each["name"]: each["schema"].get("default") for each in _filled.parameters}
    assert shown == {"tier": None, "status": None, "sort": "created"}
    assert {each["in"] for each in _filled.parameters} == {"query"}
