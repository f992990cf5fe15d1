"""Amounts in the plain English of commands. Texts in people's languages have theirs in catalogues. Pure."""


def amount(number: int, thing: str, things: str | None = None) -> str:
    """A number of things: 1 ticket, 1,200 tickets."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
