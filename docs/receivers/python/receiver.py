"""A receiver of Heliodesk's webhooks: verifies, answers at once, drops repeats, minds the order of a ticket's events.

pip install standardwebhooks
WEBHOOK_SECRET=whsec_... PORT=9000 python receiver.py
"""

import json
import os
import queue
import threading
from collections import OrderedDict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BODY = 64 * 1024  # an event is under 20 KB
REMEMBERED = 10_000


class Latest:
    """A mapping that forgets what was set longest ago.

    In production this is a table: store the message, with its id as the unique key, before you answer, because what is
    answered with 2xx is not sent again.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def raise_to(self, key: str, number: int) -> bool:
        """Set the number, unless there is the same or a higher one already: then False."""
        with self._lock:
            if self._kept.get(key, -1) >= number:
                return False
            self._kept[key] = number
            self._kept.move_to_end(key)
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
            return True


webhook = Webhook(os.environ["WEBHOOK_SECRET"])
messages, tickets = Latest(), Latest()
work: queue.Queue[dict[str, Any]] = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    """Takes POST requests on any path."""

    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self) -> None:
        """Verify the raw body, hand the event over, answer."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True  # the body is not read
            return self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))  # as it came: one that was parsed and written again is signed otherwise
        try:
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):  # ValueError: not UTF-8, not JSON, a mangled signature
            return self.answer(HTTPStatus.BAD_REQUEST)
        if messages.raise_to(self.headers["webhook-id"], 0):  # else it came before: 2xx again, and nothing else
            work.put(event)
        return self.answer(HTTPStatus.NO_CONTENT)

    def answer(self, status: HTTPStatus) -> None:
        """An answer without a body."""
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        """Say nothing: what was accepted is printed."""


def handle(event: dict[str, Any]) -> None:
    """What you do with an event, as slowly as you like.

    First attempts at a ticket's events come in the order of ``sequence``, but what is sent again comes later: take such
    an event as history, and do not let it set what is true now.
    """
    ticket = event["ticket_id"]
    late = ticket is not None and not tickets.raise_to(ticket, event["sequence"])
    print(json.dumps({"accepted": event["id"], "type": event["type"], "ticket": ticket, "late": late}), flush=True)


def main() -> None:
    """Serve on loopback, behind a proxy that has the certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"listening": server.server_port}), flush=True)
    while True:
        handle(work.get())


if __name__ == "__main__":
    main()
