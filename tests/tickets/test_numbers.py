"""A ticket found by its number, as people say and type it."""

import pytest

from app.tickets.usecases import open as opening
from app.tickets.wording import as_number
from tests.support.stories import Begin, Story, path_of, pointers


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium")


BY_NUMBER = "/v1/tickets/by-number/"


@pytest.mark.parametrize("typed", ["K7M-3Q1", "k7m-3q1", "K7M3Q1", "k7m 3q1", " K7M-3Q1 ", "k7m3qI", "k7m3ql"])
def test_a_number_is_read_as_people_type_it(typed: str) -> None:
    assert as_number(typed) == "K7M-3Q1"


@pytest.mark.parametrize("typed", ["", "K7M", "K7M-3Q12", "K7M--3Q1", "K7U-3Q1", "\u212a7M-3Q1", "K7M\n3Q1"])
def test_what_is_no_number(typed: str) -> None:
    assert as_number(typed) is None


async def test_the_answer_is_that_of_the_id(story: Story) -> None:
    ticket = await story.open()
    for typed in (ticket["number"], ticket["number"].lower(), ticket["number"].replace("-", "")):
        for caller in (story.customer, story.engineer):
            answer = await caller.send("GET", BY_NUMBER + typed)
            by_id = await caller.send("GET", path_of(ticket))
            assert (answer.status_code, answer.json()) == (200, by_id.json())
            assert answer.headers["etag"] == by_id.headers["etag"]


async def test_it_is_of_the_callers_account(story: Story, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    other = await begin("zmanda-standard")
    ticket = await story.open()
    await other.customer.get(BY_NUMBER + ticket["number"], 404)
    await other.customer.get(BY_NUMBER + ticket["number"], 404, account_id=story.account.account_id)
    await story.engineer.get(BY_NUMBER + ticket["number"], 404, account_id=other.account.account_id)
    monkeypatch.setattr(opening, "new_number", lambda: ticket["number"])
    twin = await other.open()
    assert (await story.customer.get(BY_NUMBER + ticket["number"]))["id"] == ticket["id"]
    for one, expected in ((story, ticket), (other, twin)):
        found = await story.engineer.get(BY_NUMBER + ticket["number"], account_id=one.account.account_id)
        assert found["id"] == expected["id"]
    problem = await story.engineer.get(BY_NUMBER + ticket["number"], 422)
    assert pointers(problem) == ["#/query/account_id"]


async def test_a_list_is_filtered_by_number(story: Story, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    other = await begin("zmanda-standard")
    ticket = await story.open(title="A kraken in the cellar", priority="P2")
    await story.open(title=f"Follows {ticket['number']}")
    monkeypatch.setattr(opening, "new_number", lambda: ticket["number"])
    twin = await other.open()
    typed = ticket["number"].lower().replace("-", " ")

    async def found(**params: str) -> list[str]:
        return [each["id"] for each in (await story.engineer.get("/v1/tickets", number=typed, **params))["items"]]

    assert await found() == [twin["id"], ticket["id"]]
    assert await found(account_id=story.account.account_id) == [ticket["id"]]
    assert await found(priority="P2", sort="due") == [ticket["id"]]
    assert await found(q="kraken", sort="updated") == [ticket["id"]]
    assert await found(sandbox="true") == []
    first = await story.engineer.get("/v1/tickets", number=typed, limit=1)
    assert await found(cursor=first["next_cursor"]) == [ticket["id"]]
    problem = await story.engineer.get("/v1/tickets", 422, number="K7M")
    assert pointers(problem) == ["#/query/number"]


async def test_a_search_finds_a_number_without_its_hyphen(story: Story) -> None:
    ticket = await story.open()
    page = await story.customer.get("/v1/tickets", q=ticket["number"].replace("-", "").lower())
    assert [each["id"] for each in page["items"]] == [ticket["id"]]
