"""What became of what was received."""

from typing import Any


def outcomes(receipt: dict[str, Any]) -> list[str]:
    return [signal["outcome"] for signal in receipt["signals"]]


def statuses(tickets: list[dict[str, Any]]) -> list[str]:
    return [ticket["status"] for ticket in tickets]
