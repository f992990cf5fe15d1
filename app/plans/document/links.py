"""Where a programme's page is. Pure."""

from typing import Final

PATH: Final = "/programmes/"
"""What its address begins with; the plan's key follows."""


def programme_path(key: str, version: int) -> str:
    """The page of one version of a plan, such as the one that a ticket has."""
    return f"{PATH}{key}?version={version}"


def programme_path_sql(key: str, version: str) -> str:
    """The same, of two SQL expressions."""
    return f"'{PATH}' || {key} || '?version=' || {version}"
