"""Lists of tickets: filters, orders, pages, and how many statements a read takes."""

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import Sessions
from app.tickets.read import listing
from tests.support.explaining import counting
from tests.support.stories import P1, Begin, Caller, Story, path_of
from tests.support.sweeping import run_pass


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("google-premium")


async def ids(caller: Caller, **params: Any) -> list[str]:
    return [ticket["id"] for ticket in (await caller.get("/v1/tickets", **params))["items"]]


async def pages(caller: Caller, **params: Any) -> list[list[str]]:
    """The ids of all pages, following ``next_cursor``."""
    found: list[list[str]] = []
    while len(found) < 20:
        page = await caller.get("/v1/tickets", **params)
        found.append([ticket["id"] for ticket in page["items"]])
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]
    raise AssertionError("the pages have no end")


async def test_filters(story: Story) -> None:
    ana = await story.open(title="Backup of 50% fails", external_ref="ORDER-7", priority="P2")
    ben = await story.open(title="Restore is slow", priority="P4")
    eve = await story.open(title="A question", priority="P3")
    await story.engineer.post(f"{path_of(ben)}/assign", engineer_id=story.engineer_id)
    await story.engineer.post(f"{path_of(eve)}/status", status="resolved", message="Answered.")
    for params, expected in (
        ({"status": "new"}, [ana]),
        ({"status": ["new", "open"]}, [ben, ana]),
        ({"priority": "P2"}, [ana]),
        ({"priority": ["P2", "P3"]}, [eve, ana]),
        ({"assignee_id": story.engineer_id}, [ben]),
        ({"tier": 1}, [eve, ben, ana]),
        ({"tier": 2}, []),
        ({"missed": "true"}, []),
        ({"missed": "false"}, [eve, ben, ana]),
        ({"external_ref": "ORDER-7"}, [ana]),
        ({"q": "BACKUP"}, [ana]),
        ({"q": "of 50% fail"}, [ana]),
        ({"q": "backup%fails"}, []),
        ({"q": "_ackup"}, []),
        ({"q": ben["number"].lower()}, [ben]),
        ({"updated_since": ben["opened_at"]}, [eve, ben]),
        ({"due_before": ana["next_update_due_at"]}, []),
        ({"due_before": ben["next_update_due_at"]}, [ana]),
        ({"account_id": story.account.account_id}, [eve, ben, ana]),
        ({"status": "new", "priority": "P4"}, []),
    ):
        for caller in (story.customer, story.engineer):
            assert await ids(caller, **params) == [ticket["id"] for ticket in expected], params


async def test_each_account_lists_its_own(story: Story, begin: Begin) -> None:
    other = await begin("zmanda-standard")
    mine, theirs = await story.open(), await other.open()
    assert await ids(story.customer) == [mine["id"]]
    assert await ids(story.engineer) == [theirs["id"], mine["id"]]
    assert await ids(story.engineer, account_id=other.account.account_id) == [theirs["id"]]
    await story.customer.get("/v1/tickets", 404, account_id=other.account.account_id)


async def test_what_is_missed_comes_first_and_what_is_not_owed_last(story: Story, sessions: Sessions) -> None:
    now = await story.now()
    soon = await story.open_at(now - timedelta(minutes=110), priority="P2")
    late = await story.open_at(now - timedelta(hours=5), priority="P3")
    later = await story.open_at(now - timedelta(minutes=5), priority="P4")
    latest = await story.open_at(now - timedelta(hours=9), priority="P4")
    done = path_of(await story.open())
    await story.product.post(f"{done}/status", status="resolved")
    await run_pass(sessions)
    expected = [path.rpartition("/")[2] for path in (late, latest, soon, later, done)]
    assert await ids(story.engineer, sort="due") == expected
    assert await pages(story.customer, sort="due", limit=1) == [[each] for each in expected]
    assert await ids(story.engineer, missed="true", sort="due") == expected[:2]


@pytest.mark.parametrize("sort", ["created", "updated", "due"])
async def test_pages_are_stable_while_tickets_are_opened(story: Story, sort: str) -> None:
    opened = [(await story.open(priority="P3"))["id"] for _ in range(5)]
    expected = opened if sort == "due" else opened[::-1]
    page = await story.customer.get("/v1/tickets", sort=sort, limit=2)
    newer = (await story.open(priority="P4"))["id"]
    rest = await pages(story.customer, sort=sort, limit=2, cursor=page["next_cursor"])
    seen = [ticket["id"] for ticket in page["items"]] + [each for part in rest for each in part]
    assert [each for each in seen if each != newer] == expected


async def test_tickets_that_share_a_due_instant_are_paged_by_id(story: Story) -> None:
    now = await story.now()
    opened = [(await story.open_at(now, priority="P3")).rpartition("/")[2] for _ in range(4)]
    assert await pages(story.customer, sort="due", limit=1) == [[each] for each in opened]
    assert await pages(story.customer, sort="updated", limit=3) == [opened[:0:-1], opened[:1]]


async def test_tickets_that_owe_nothing_are_paged_too(begin: Begin) -> None:
    story = await begin("zmanda-community")
    opened = [(await story.open())["id"] for _ in range(3)]
    assert await pages(story.customer, sort="due", limit=1) == [[each] for each in opened]


async def test_updated_lists_what_was_written_last_first(story: Story) -> None:
    opened = [await story.open() for _ in range(3)]
    await story.customer.post(f"{path_of(opened[0])}/messages", 201, body="Any news?")
    assert await ids(story.customer, sort="updated") == [opened[n]["id"] for n in (0, 2, 1)]


async def test_the_link_header_leads_to_the_next_page(story: Story) -> None:
    for _ in range(3):
        await story.open(tags=["a&b"])
    answer = await story.customer.send("GET", "/v1/tickets?limit=2&status=new&sort=due")
    url, _, relation = answer.headers["link"].partition("; ")
    assert relation == 'rel="next"'
    parts = urlsplit(url.strip("<>"))
    assert parse_qs(parts.query) == {
        "limit": ["2"],
        "status": ["new"],
        "sort": ["due"],
        "cursor": [answer.json()["next_cursor"]],
    }
    last = await story.customer.send("GET", url.strip("<>"))
    assert (len(last.json()["items"]), last.json()["next_cursor"]) == (1, None)
    assert "link" not in last.headers


async def test_a_list_shows_each_ticket_as_it_is_read(story: Story) -> None:
    tickets = [await story.open(**P1 | {"priority": name}) for name in ("P1", "P2")]
    await story.engineer.post(f"{path_of(tickets[1])}/messages", 201, body="On it.")
    for caller in (story.customer, story.engineer):
        items = (await caller.get("/v1/tickets"))["items"]
        assert items == [await caller.get(path_of(ticket)) for ticket in reversed(tickets)]


# --- searches ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "term"),
    [
        ("Facturación: no llega", "FACTURACION"),
        ("Facturacion: no llega", "facturación"),
        ("Błąd łączności z bazą", "blad lacznosci"),
        ("Große Störung", "grosse storung"),
        ("L'œuvre est bloquée", "oeuvre est bloquee"),
        ("Ошибка базы данных", "БАЗЫ"),
        ("数据库故障", "故障"),
        ("Path C:\\temp is  full", "c:\\temp is full"),
    ],
)
async def test_a_search_looks_past_case_accents_and_blanks(story: Story, title: str, term: str) -> None:
    ticket = await story.open(title=title)
    await story.open(title="Path D:temp is 100 % full")
    for caller in (story.customer, story.engineer):
        assert await ids(caller, q=term) == [ticket["id"]]


async def test_a_term_without_three_letters_in_a_row_is_refused(story: Story) -> None:
    for term in ("ab", "a b c d", "%", "...", "\u00a0..", "50%", "_" * 100, "K7-QP"):
        problem = await story.customer.get("/v1/tickets", 422, q=term)
        [fault] = problem["errors"]
        assert (fault["pointer"], "three letters or digits" in fault["detail"]) == ("#/query/q", True), term


async def test_a_search_is_of_the_present_title(story: Story) -> None:
    ticket = await story.open(title="Backup fails")
    await story.engineer.patch(path_of(ticket), title="Restore fails")
    await story.engineer.patch(path_of(ticket), tags=["database"])
    assert [await ids(story.customer, q=term) for term in ("backup", "restore")] == [[], [ticket["id"]]]


async def test_a_number_finds_its_ticket_whatever_else_mentions_it(
    story: Story, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, other = await story.open(), await begin("zmanda-standard")
    number = ticket["number"]
    mentions = [await story.open(title=f"Follows {number}") for _ in range(3)]
    await other.open(title=f"About {number}")
    assert await ids(story.customer, q=number) == [each["id"] for each in (*reversed(mentions), ticket)]
    assert await ids(other.customer, q=number, tier=2) == []
    monkeypatch.setattr(listing, "_FEW", 2)
    for caller in (story.customer, story.engineer):
        assert (await ids(caller, q=number, sort="updated"))[-1:] == [ticket["id"]]


async def test_support_finds_the_titles_of_sandboxes_where_it_asks_for_them(begin: Begin) -> None:
    live, sandbox = await begin("wati-business-plus"), await begin("wati-business-plus", sandbox=True)
    real, trial = await live.open(title="Backup fails"), await sandbox.open(title="Backup fails")
    assert await ids(live.engineer, q="backup") == [real["id"]]
    assert await ids(live.engineer, q="backup", sandbox=True) == [trial["id"]]
    assert await ids(sandbox.customer, q="backup") == [trial["id"]]
    assert await ids(sandbox.customer, q="backup", sandbox=False) == []


# --- how far a page reaches --------------------------------------------------------------------------------------

ASKED: Final[tuple[dict[str, Any], ...]] = (
    {"priority": "P2"},
    {"tier": 2},
    {"missed": True},
    {"missed": True, "priority": "P2"},
    {"status": ["new", "open"], "priority": "P3"},
    {"status": "resolved"},
    {"external_ref": "SHOP"},
    {"external_ref": "SHOP", "priority": "P2"},
    {"q": "backup"},
    {"q": "backup", "priority": "P2"},
    {"updated_since": "2020-01-01T00:00:00Z", "priority": "P2"},
    {"due_before": "2090-01-01T00:00:00Z", "priority": "P2"},
)


@pytest.mark.no_cover
@pytest.mark.parametrize("few", [1, 1000])
async def test_short_pages_lead_to_everything_once(
    story: Story, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Whichever way a page is found, it and those after it hold what one long page holds, in its order."""
    now = await story.now()
    for number in range(9):
        fields = {"title": "Backup fails" if number % 3 else "Restore fails", "priority": f"P{2 + number % 2}"}
        path = await story.open_at(now - timedelta(hours=number), **fields, external_ref="SHOP")
        if number % 4 == 1:
            await story.engineer.post(f"{path}/status", status="resolved", message="Done.")
        elif number % 4 == 2:
            await story.engineer.post(f"{path}/assign", engineer_id=story.engineer_id)
    await run_pass(sessions)
    asked = [*ASKED, {"assignee_id": story.engineer_id}, {"assignee_id": story.engineer_id, "priority": "P2"}]
    lists = [
        (caller, params | {"sort": sort})
        for caller in (story.customer, story.engineer)
        for params in asked
        for sort in ("created", "updated", "due")
    ]
    whole = [await ids(caller, **params) for caller, params in lists]
    for name, rows in (("REACH", 3), ("_REACH_BY_TITLE", 3), ("_BEGINNING", 2), ("_FEW", few)):
        monkeypatch.setattr(listing, name, rows)
    for (caller, params), expected in zip(lists, whole, strict=True):
        assert [each for page in await pages(caller, **params, limit=3) for each in page] == expected, params
    assert sum(map(len, whole)) > 100  # something was found


async def test_a_page_that_is_not_full_goes_on_where_it_reached(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = await story.open(priority="P2")
    for _ in range(4):
        await story.open(priority="P3")
    monkeypatch.setattr(listing, "REACH", 3)
    assert await pages(story.customer, priority="P2") == [[], [rare["id"]]]


# --- the number of statements ----------------------------------------------------------------------------------


async def test_reads_take_one_statement_whatever_the_number_of_tickets(story: Story, engine: AsyncEngine) -> None:
    now = await story.now() - timedelta(minutes=1)
    path = await story.open_at(now, **P1)
    for number in (1, 50):
        while len(await ids(story.customer, limit=200)) < number:
            await story.open_at(now, **P1)
        await story.engineer.get(path)  # its key is known from here on
        async with counting(engine) as single:
            await story.engineer.get(path)
        async with counting(engine) as listed:
            assert len(await ids(story.engineer)) == number
        assert (len(single), len(listed)) == (1, 1)


async def test_the_history_of_a_ticket_is_read_in_few_statements(story: Story, engine: AsyncEngine) -> None:
    path = path_of(await story.open(**P1))
    await story.engineer.get(path)  # its key is known from here on
    for part in ("timeline", "messages", "deadlines", "call", "escalations"):
        async with counting(engine) as sent:
            await story.engineer.get(f"{path}/{part}")
        assert len(sent) == (1 if part == "timeline" else 2), part


async def test_deadlines_are_paged_in_the_order_of_their_making(story: Story) -> None:
    path = path_of(await story.open(priority="P2"))
    for _ in range(3):
        await story.engineer.post(f"{path}/messages", 201, body="Still looking.")
    whole = (await story.customer.get(f"{path}/deadlines"))["items"]
    assert [(d["metric"], d["cycle"]) for d in whole] == [
        ("first_response", 1),
        ("update", 1),
        ("update", 2),
        ("update", 3),
    ]
    first = await story.customer.get(f"{path}/deadlines", limit=3)
    rest = await story.customer.get(f"{path}/deadlines", limit=3, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == whole
    assert datetime.fromisoformat(whole[0]["started_at"]) < datetime.fromisoformat(whole[3]["started_at"])


async def test_tickets_of_sandboxes_are_not_among_supports_work(begin: Begin) -> None:
    live, sandbox = await begin("wati-business-plus"), await begin("wati-business-plus", sandbox=True)
    real, trial = await live.open(), await sandbox.open()
    account = sandbox.account.account_id

    async def listed(**params: Any) -> list[str]:
        return sorted(item["id"] for item in (await live.engineer.get("/v1/tickets", **params))["items"])

    assert await listed() == [real["id"]]
    assert await listed(sandbox=True) == [trial["id"]]
    assert await listed(account_id=account) == [trial["id"]]
    assert await listed(account_id=account, sandbox=False) == []
    [own] = (await sandbox.customer.get("/v1/tickets"))["items"]
    assert own["id"] == trial["id"]
