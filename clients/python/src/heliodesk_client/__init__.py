"""A client of Heliodesk. ``Heliodesk`` is sync, ``AsyncHeliodesk`` async; ``models`` has what is sent and answered."""

from heliodesk_client import models
from heliodesk_client.client import AsyncHeliodesk, Heliodesk
from heliodesk_client.generated.types import UNSET, Unset
from heliodesk_client.pages import async_items, items
from heliodesk_client.problems import Fault, HeliodeskError
from heliodesk_client.sending import Retries
from heliodesk_client.webhooks import InvalidSignature, Webhook

__all__ = [
    "UNSET",
    "AsyncHeliodesk",
    "Fault",
    "Heliodesk",
    "HeliodeskError",
    "InvalidSignature",
    "Retries",
    "Unset",
    "Webhook",
    "async_items",
    "items",
    "models",
]
