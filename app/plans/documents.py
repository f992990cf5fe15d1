"""The plan document: text or data in, a checked ``PlanDocument`` or all of its faults out. Pure."""

from typing import Any

from pydantic import ValidationError

from app.plans.checks import reference_faults
from app.plans.faults import shape_faults, without_unknown_keys
from app.plans.model import PlanDocument
from app.plans.reading import check_bounds, read_yaml, refuse

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
        readable = _despite_unknown_keys(error, data)
        raise refuse(*shape_faults(error, data), *(reference_faults(readable) if readable else ())) from error
    if faults := reference_faults(document):
        raise refuse(*faults)
    return document


def _despite_unknown_keys(error: ValidationError, data: Any) -> PlanDocument | None:
    """The document when unknown keys are its only faults of shape, so that its references are checked too."""
    if any(found["type"] != "extra_forbidden" for found in error.errors(include_url=False)):
        return None
    return PlanDocument.model_validate(without_unknown_keys(error, data))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a plan document, as published in ``openapi/plan.schema.json``."""
    schema = PlanDocument.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Heliodesk plan document"} | schema
