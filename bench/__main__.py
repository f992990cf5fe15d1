"""``python -m bench [name ...]``: run the named benchmarks, or all."""

import sys
from importlib import import_module
from typing import Final

ALL: Final = (
    "open_ticket",
    "lists",
    "lateness",
    "storm",
    "replay",
    "apply",
    "preview",
    "loop",
    "endpoints",
    "isolation",
    "limits",
    "webhooks",
    "inbound",
    "feed",
)
"""Modules of this package, each with a ``main``."""

for name in sys.argv[1:] or ALL:
    import_module(f"bench.{name}").main()
