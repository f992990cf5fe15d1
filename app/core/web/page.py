"""A small page for people, without scripts. Pure."""

from html import escape
from typing import Final

ICON: Final = "data:"
"""What the policy of a page lets images be: an empty icon, so that browsers ask for none."""
_LONGEST: Final = 1000
"""Characters that are read of an ``Accept`` field; browsers send a fifth."""
_STYLE: Final = """\
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:40rem;padding:2rem 1.5rem}
h1{font-size:1.5rem;margin:0 0 1rem}
li{margin:0 0 .5rem}
"""


def page(heading: str, body: str) -> str:
    """A whole page; ``body`` is HTML."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{body}</main></body></html>"
    )


def wants_page(accept: str) -> bool:
    """Whether an ``Accept`` field (RFC 9110, 12.5.1) prefers a page to JSON; what likes both as much gets JSON."""
    read = accept[:_LONGEST]
    return _quality(read, "text/html") > _quality(read, "application/json")


def _quality(accept: str, media_type: str) -> float:
    """The weight of the most specific range that fits; 0 where none does."""
    ranges = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
    best, found = -1, 0.0
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
        if ranges.get(name, -1) > best:
            best, found = ranges[name], _number(weight)
    return found


def _number(weight: str) -> float:
    try:
        return min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return 0.0
