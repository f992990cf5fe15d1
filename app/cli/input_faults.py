"""Settings and options that are no use, told to whoever gave them, a line for each. Pure."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from pydantic import ValidationError

from app.core.problems import Problem
from app.core.schemas.validation import said_of

_PREFIX: Final = "HELIODESK_"
_NETWORKS: Final = frozenset({"ip_v4_network", "ip_v6_network"})
_NO_NETWORK: Final = "{} is not a network such as 10.0.0.0/8"


def setting_faults(error: ValidationError) -> Iterator[str]:
    """``HELIODESK_WORKERS: This has to be at most 64``, in the order of the settings; no secret is in it."""
    faults = error.errors(include_url=False)
    for place, found in groupby(faults, key=lambda fault: fault["loc"][:1]):
        yield _line(place, next(found))


def option_faults(error: ValidationError) -> Iterator[str]:
    """What a command's options are refused for: ``account_ids.0: This does not match the pattern ...``."""
    for fault in error.errors(include_url=False):
        yield f"{'.'.join(map(str, fault['loc']))}: {said_of(fault)}"


def problem_faults(problem: Problem) -> Iterator[str]:
    """What a command's input is refused for: ``/priorities: At least one is needed``, or a sentence without a place."""
    if not problem.errors:
        yield str(problem)
    for fault in problem.errors:
        yield f"{fault['pointer']}: {fault['detail']}".removeprefix(": ")


def _line(place: tuple[str | int, ...], fault: Mapping[str, Any]) -> str:
    if not place:  # what settings have to say together names them
        return str(said_of(fault))
    name = str(place[0])
    variable = name if name.isupper() else f"{_PREFIX}{name.upper()}"
    said = _NO_NETWORK.format(fault["input"]) if fault["type"] in _NETWORKS else said_of(fault)
    return f"{variable}: {said}"
