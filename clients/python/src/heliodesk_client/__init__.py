"""A client of Heliodesk. ``Heliodesk`` is sync, ``AsyncHeliodesk`` async; ``models`` has what is sent and answered."""

from importlib.metadata import version

from heliodesk_client import events, models, problems
from heliodesk_client.client import AsyncHeliodesk, Heliodesk
from heliodesk_client.errors import ConnectionFailed, Fault, HeliodeskError, ProblemError, TimedOut
from heliodesk_client.generated.types import UNSET, Unset
from heliodesk_client.pages import async_follow, async_items, follow, items
from heliodesk_client.sending import Retries
from heliodesk_client.webhooks import InvalidSignature, Webhook

__version__ = version("heliodesk-client")
__all__ = [
    "UNSET",
    "AsyncHeliodesk",
    "ConnectionFailed",
    "Fault",
    "Heliodesk",
    "HeliodeskError",
    "InvalidSignature",
    "ProblemError",
    "Retries",
    "TimedOut",
    "Unset",
    "Webhook",
    "__version__",
    "async_follow",
    "async_items",
    "events",
    "follow",
    "items",
    "models",
    "problems",
]
