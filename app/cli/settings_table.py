"""Every setting as a table in Markdown, for docs/configuration.md."""

from typing import Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.core.settings import Settings

_OF_THE_MACHINE: Final = {"offload_workers": "half of the cores, at least 2 where there are as many"}
"""Defaults that each machine makes for itself."""
_OWN: Final = ("database_url",)
"""Settings that have another name than the prefix gives them, and a place of their own in the page."""


def settings_table() -> str:
    """The variables, their defaults, what is allowed, and their meaning, in the order of the code."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items() if name not in _OWN]
    return "\n".join(["| variable | default | allowed | meaning |", "| --- | --- | --- | --- |", *rows])


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`HELIODESK_{name.upper()}`", _default(name, field), _allowed(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(name: str, field: FieldInfo) -> str:
    if name in _OF_THE_MACHINE:
        return _OF_THE_MACHINE[name]
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    if value in ("", None, [], PydanticUndefined):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(field: FieldInfo) -> str:
    """The bounds of a number; of a choice, what there is to choose."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(get_args(field.annotation))
    schema = {name: value for part in field.metadata for name, value in _bounds(part).items()}
    low = f"from {schema['ge']}" if "ge" in schema else f"above {schema['gt']}" if "gt" in schema else ""
    high = f"up to {schema['le']}" if "le" in schema else ""
    return " ".join(part for part in (low, high) if part)


def _bounds(part: Any) -> dict[str, float]:
    return {name: getattr(part, name) for name in ("ge", "gt", "le") if getattr(part, name, None) is not None}
