"""The customer's own conferencing link: taken as it is, never fetched, recognised for its label only."""

import re
from typing import Final
from urllib.parse import urlsplit

_KNOWN: Final = (
    ("meet", re.compile(r"^meet\.google\.com/")),
    ("zoom", re.compile(r"^([\w-]+\.)*zoom\.us/(j|my|webinar)/")),
    ("teams", re.compile(r"^teams\.microsoft\.com/(l/meetup-join|meet)/")),
    ("webex", re.compile(r"^([\w-]+\.)*webex\.com/(meet/|join/|.*j\.php)")),
    ("8x8", re.compile(r"^8x8\.vc/")),
    ("whereby", re.compile(r"^([\w-]+\.)?whereby\.com/")),
)


def label(url: str) -> str:
    """The name of the service behind a link, or ``custom``."""
    parts = urlsplit(url)
    place = f"{(parts.hostname or '').lower()}{parts.path}"
    return next((name for name, pattern in _KNOWN if pattern.match(place)), "custom")
