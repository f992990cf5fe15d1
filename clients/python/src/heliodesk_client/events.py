"""The events that webhooks bring: a class for each type, and ``Event`` for types that this version does not know."""

from heliodesk_client.generated import events as _generated
from heliodesk_client.generated.events import *  # noqa: F403 - all of it, by what it says is public

__all__ = _generated.__all__
