"""Which events an endpoint wants: globs over event types, kept as one regular expression. Pure."""

import re
from collections.abc import Sequence
from typing import Final

GLOB: Final = r"^[a-z_*]+(\.[a-z_*]+)*$"
"""What a glob looks like: lower-case words joined by dots, ``*`` for any part."""

MAX_GLOB: Final = 64
"""The longest glob, in characters."""


def is_glob(text: str) -> bool:
    """Whether this is a glob over event types."""
    return len(text) <= MAX_GLOB and re.fullmatch(GLOB, text) is not None


def type_pattern(globs: Sequence[str]) -> str:
    """One anchored regular expression, read alike by Python and PostgreSQL, that matches what any glob matches.

    ``ticket.*`` matches every ticket event, ``*`` everything. Raises ``ValueError`` for what is not a glob.
    """
    wrong = [glob for glob in globs if not is_glob(glob)]
    if wrong or not globs:
        raise ValueError(f"not globs over event types: {wrong}")
    return f"^({'|'.join(glob.replace('.', '[.]').replace('*', '[a-z_.]*') for glob in globs)})$"
