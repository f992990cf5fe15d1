"""What a refusal says of the limit that is reached."""

import httpx


def reached(answer: httpx.Response) -> tuple[str, int, int]:
    """The limit's name, its value and how much of it is used."""
    problem = answer.json()
    return problem["quota"], problem["value"], problem["used"]
