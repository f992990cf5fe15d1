"""``python -m bench [name ...]``: run the named benchmarks, or all. Exits with 1 if one misses a goal of its own."""

import sys
from importlib import import_module
from typing import Final

ALL: Final = (
    "open_ticket",
    "reads",
    "lists",
    "lateness",
    "storm",
    "replay",
    "backtest",
    "apply",
    "preview",
    "loop",
    "endpoints",
    "isolation",
    "limits",
    "webhooks",
    "inbound",
    "feed",
    "widget",
    "known",
    "problems",
    "search",
    "importing",
    "incident",
    "reports",
)
"""Modules of this package, each with a ``main``; where one has a goal, it returns whether that is met."""

if __name__ == "__main__":
    met = [import_module(f"bench.{name}").main() for name in sys.argv[1:] or ALL]
    sys.exit(1 if False in met else 0)
