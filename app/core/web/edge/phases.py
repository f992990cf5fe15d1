"""What a connection is about to get. Pure."""

from enum import Enum, auto
from typing import Final


class Phase(Enum):
    """What a connection is about to get."""

    REQUEST = auto()
    """the first byte of a request"""
    HEAD = auto()
    BODY = auto()
    LAST = auto()
    """no further request: those that are complete are answered"""
    END = auto()
    """nothing any more: it was refused"""


OVER: Final = (Phase.LAST, Phase.END)
"""What comes then is thrown away."""
