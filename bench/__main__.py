"""``python -m bench [name ...]``: run the named benchmarks, or all."""

import sys
from typing import Final

from bench import apply, feed, inbound, lateness, loop, open_ticket, preview, replay, webhooks

ALL: Final = {
    "open_ticket": open_ticket.main,
    "lateness": lateness.main,
    "replay": replay.main,
    "apply": apply.main,
    "preview": preview.main,
    "loop": loop.main,
    "webhooks": webhooks.main,
    "inbound": inbound.main,
    "feed": feed.main,
}

for name in sys.argv[1:] or ALL:
    ALL[name]()
