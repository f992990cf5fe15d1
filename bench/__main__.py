"""``python -m bench [name ...]``: run the named benchmarks, or all."""

import sys
from typing import Final

from bench import apply, endpoints, feed, inbound, lateness, open_ticket, preview, replay, webhooks

ALL: Final = {
    "open_ticket": open_ticket.main,
    "lateness": lateness.main,
    "replay": replay.main,
    "apply": apply.main,
    "preview": preview.main,
    "webhooks": webhooks.main,
    "endpoints": endpoints.main,
    "inbound": inbound.main,
    "feed": feed.main,
}

for name in sys.argv[1:] or ALL:
    ALL[name]()
