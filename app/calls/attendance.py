"""Whether the customer has come to a room. Pure.

A provider tells names, not who somebody is. We take a participant for support when they are signed in with the provider
under the name of one of our engineers, and everybody else for the customer: a guest, a phone, a name that we do not
know. So an engineer under a strange name can meet the promise for the customer, which the engineer sees at once; a
customer who waits alone in the room is never held to be missing, which nobody would see.
"""

from collections.abc import Iterable

from app.calls.providers.provider import Participant


def customer_among(participants: Iterable[Participant], engineers: Iterable[str]) -> bool:
    """Whether one of the participants is not one of the ``engineers`` (names)."""
    support = {_plain(name) for name in engineers}
    return any(not (one.signed_in and _plain(one.name) in support) for one in participants)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
