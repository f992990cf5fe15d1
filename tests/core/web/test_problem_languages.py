"""A problem is told in its reader's language; its type, status and pointers are the same in each."""

from typing import Any

import httpx
import pytest

from tests.support.stories import Begin, Story


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus")


async def refused(story: Story, path: str, accepted: str | None, body: Any = None) -> httpx.Response:
    headers = story.customer.key | ({"Accept-Language": accepted} if accepted else {})
    return await story.customer.client.request("POST" if body is not None else "GET", path, json=body, headers=headers)


@pytest.mark.parametrize(
    ("accepted", "language", "title"),
    [
        ("de-AT,de;Q=0.9", "de", "Diese Ressource gibt es nicht"),
        ("it, pl;q=0.2", "pl", "Nie ma takiego zasobu"),
        ("it", "en", "There is no such resource"),
        ("*", "en", "There is no such resource"),
        (None, "en", "There is no such resource"),
    ],
    ids=str,
)
async def test_titles_are_in_the_language_that_is_asked_for(
    story: Story, accepted: str | None, language: str, title: str
) -> None:
    answer = await refused(story, "/v1/tickets/tkt_01k9z3v5q8e9rbn3wz4m6t7y2a", accepted)
    assert (answer.status_code, answer.headers["Content-Language"]) == (404, language)
    assert "Accept-Language" in answer.headers["Vary"]
    assert (answer.json()["title"], answer.json()["type"]) == (title, "/problems/not-found")


async def test_details_and_faults_are_translated_and_their_values_are_not(story: Story) -> None:
    answer = await refused(story, "/v1/priorities/assess", "es", {"plan": "nix", "urgency": "extreme"})
    assert answer.json()["title"] == "Los datos no son válidos"
    [fault] = answer.json()["errors"]
    assert (fault["pointer"], fault["detail"]) == (
        "/urgency",
        "Tiene que ser uno de estos valores: 'high', 'medium', 'low'",
    )
    answer = await refused(story, "/v1/priorities/assess", "de", {"plan": "nix", "urgency": "low", "impact": "small"})
    assert answer.json()["errors"] == [{"pointer": "/plan", "detail": "Es gibt keinen Plan nix"}]


async def test_a_validator_of_ours_speaks_the_language_too(story: Story) -> None:
    answer = await refused(story, "/v1/tickets?created_after=yesterday", "fr")
    assert answer.status_code == 422
    assert all("This" not in fault["detail"] for fault in answer.json()["errors"])
    answer = await refused(story, "/v1/tickets?nonsense=1", "fr")
    assert answer.json()["errors"][0]["detail"] == "Cette opération n'a pas ce paramètre de requête"


async def test_without_a_wish_the_language_is_that_of_the_account(begin: Begin) -> None:
    story = await begin("wati-business-plus", locale="pl")
    answer = await refused(story, "/v1/tickets/tkt_01k9z3v5q8e9rbn3wz4m6t7y2a", None)
    assert (answer.headers["Content-Language"], answer.json()["title"]) == ("pl", "Nie ma takiego zasobu")
    answer = await refused(story, "/v1/tickets/tkt_01k9z3v5q8e9rbn3wz4m6t7y2a", "en")
    assert answer.headers["Content-Language"] == "en"
