"""A new plan document: text or data in, a checked ``PlanDocument`` or all of its faults out. Pure."""

from typing import Any

from pydantic import ValidationError

from app.core.problems import Fault
from app.plans.document.model import PlanDocument
from app.plans.document.parsing.checks import reference_faults
from app.plans.document.parsing.faults import shape_faults, without_faulty_entries
from app.plans.document.parsing.reading import check_bounds, read_yaml, refuse

__all__ = ["PlanDocument", "json_schema", "parse", "parse_yaml"]


def parse_yaml(text: str) -> PlanDocument:
    """The plan in YAML text. Raises ``core.problems.Invalid`` with every fault and its place."""
    return parse(read_yaml(text))


def parse(data: Any) -> PlanDocument:
    """The plan in plain JSON data. Raises ``core.problems.Invalid`` with every fault and its place."""
    check_bounds(data)
    try:
        document = PlanDocument.model_validate(data)
    except ValidationError as error:
        faults = list(shape_faults(error, data))
        raise refuse(*faults, *_further_faults(error, data, faults)) from error
    if faults := reference_faults(document, data):
        raise refuse(*faults)
    return document


def _further_faults(error: ValidationError, data: Any, faults: list[Fault]) -> list[Fault]:
    """What is wrong beside faults of shape, as far as it can be told without the entries that have those."""
    sound = without_faulty_entries(error, data)
    if not isinstance(sound, dict) or _names(sound) != _names(data):
        return []
    try:
        found = reference_faults(PlanDocument.model_validate(sound), sound)
    except ValidationError:
        return []
    return [fault for fault in found if not any(known["pointer"].startswith(fault["pointer"]) for known in faults)]


def _names(data: dict[str, Any]) -> set[str]:
    calendars = data.get("calendars")
    return set(calendars) if isinstance(calendars, dict) else set()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a plan document, as published in ``openapi/plan.schema.json``."""
    schema = PlanDocument.model_json_schema(mode="validation")
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Heliodesk plan document"}
