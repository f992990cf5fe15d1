"""Calls of sandbox accounts: a link at once, which leads nowhere, so that no test pages anybody."""

from app.calls.providers.provider import Link


def link(call_id: str) -> Link:
    """The link of this call: always the same, at a name that nobody can own (RFC 2606)."""
    return Link("sandbox", f"https://calls.example/{call_id}")
