"""What Grafana's webhook contact point posts: version "1", Alertmanager's shape with more members. Pure."""

from typing import Any

from app.inbound.formats import alertmanager
from app.inbound.formats.signal import Batch


def parse(payload: Any) -> Batch:
    """One signal for each alert. Raises ``Unreadable`` where the payload is something else.

    The members that only Grafana has on top (``orgId``, ``title``, ``state``, ``message``) repeat what the alerts say;
    an alert's further links are Alertmanager's parser's to read.
    """
    return alertmanager.parse(payload)
