"""Stories of calls need Google Meet's stand-in."""

from tests.calls.conftest import google, key, meet, meet_settings, outgoing

__all__ = ["google", "key", "meet", "meet_settings", "outgoing"]
