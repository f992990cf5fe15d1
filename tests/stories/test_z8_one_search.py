"""Z8: one search over all that its caller may see."""

from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.state import State
from app.problems.background.telling import Telling
from app.search import finding
from app.search.indexing import Indexing
from app.search.words import own_query, query
from tests.support.actors import make_account, make_engineer, make_key, make_person
from tests.support.desk import fetch
from tests.support.explaining import nodes, root
from tests.support.stories import Begin, Caller, path_of

_RARE: Final = "kraken"
_BO: Final = {"name": "Bo Kraken", "email": "bo@kraken.example"}


@pytest.fixture
def indexed(state: State) -> Any:
    """Let the index take in all that was written."""

    async def run() -> None:
        indexing = Indexing(state.sessions, state.feed)
        await indexing.run_pass()
        await indexing.run_pass()

    return run


async def found(caller: Caller, q: str, **narrowed: Any) -> Any:
    return await caller.get("/v1/search", q=q, **narrowed)


def kinds(answer: Any) -> list[tuple[str, str]]:
    return [(hit["type"], hit["title"]) for hit in answer["items"]]


async def test_z8_everything_is_found_by_one_search(sessions: Sessions, begin: Begin, indexed: Any) -> None:
    story = await begin("wati-business-plus", name="Kraken Shipping")
    await make_person(sessions, story.account.account_id, "eva@kraken.example", "owner")
    titled = await story.open(title="The kraken ate our backup", product="backup", priority="P2")
    written = await story.open(title="Another", description="Nothing special")
    await story.engineer.post(f"{path_of(written)}/messages", 201, body="It was the <kraken> after all")
    await story.engineer.post("/v1/problems", 201, title="A kraken in the cable", description="Bites")
    article = {"title": "What the kraken eats", "body": "Cables, mostly.", "status": "published"}
    await story.engineer.post("/v1/articles", 201, **article)
    await indexed()
    answer = await found(story.engineer, _RARE)
    assert set(kinds(answer)) == {
        ("ticket", "The kraken ate our backup"),
        ("ticket", "Another"),
        ("article", "What the kraken eats"),
        ("problem", "A kraken in the cable"),
        ("account", "Kraken Shipping"),
        ("person", "eva"),
    }
    by_title = {hit["title"]: hit for hit in answer["items"]}
    assert by_title["The kraken ate our backup"]["title_html"] == "The <mark>kraken</mark> ate our backup"
    assert by_title["Another"]["excerpt_html"] == "It was the &lt;<mark>kraken</mark>&gt; after all"
    assert by_title["Another"]["message_id"].startswith("msg_")
    assert answer["facets"]["type"] == {
        "ticket": 2,
        "account": 1,
        "article": 1,
        "person": 1,
        "problem": 1,
    }
    assert answer["facets"]["product"] == {"backup": 1}
    narrowed = await found(story.engineer, _RARE, priority="P2")
    assert kinds(narrowed) == [("ticket", "The kraken ate our backup")]
    assert narrowed["facets"]["type"] == {"ticket": 1}
    assert kinds(await found(story.engineer, _RARE, type="account")) == [("account", "Kraken Shipping")]
    titled = await story.customer.patch(path_of(titled), title="The squid ate our backup")
    await indexed()
    assert "The squid ate our backup" not in str(kinds(await found(story.engineer, _RARE)))


async def test_z8_exact_matches_come_first(begin: Begin, indexed: Any) -> None:
    story = await begin("wati-business-plus")
    wanted = await story.open(title="Wanted", external_ref="INC-4711")
    for number in range(3):
        await story.open(title=f"See INC-4711 and {wanted['number']} {number}")
    await indexed()
    for q in ("INC-4711", wanted["number"], wanted["number"].lower().replace("-", "")):
        first = (await found(story.customer, q))["items"][0]
        assert (first["title"], first["exact"]) == ("Wanted", True), q
    by_address = await found(story.customer, "ana@solar-roofs.example")
    assert len(by_address["items"]) == 4


@pytest.mark.parametrize(
    ("title", "q"),
    [
        ("La exportación falla al generar el PDF", "exportaciones fallan"),
        ("La exportación falla al generar el PDF", "EXPORTACION"),
        ("Kopia zapasowa kończy się błędem łączności", "bledem lacznosci"),
    ],
)
async def test_z8_other_forms_and_missing_accents_are_found(begin: Begin, indexed: Any, title: str, q: str) -> None:
    story = await begin("wati-business-plus")
    await story.open(title=title)
    await indexed()
    assert kinds(await found(story.customer, q)) == [("ticket", title)]


async def test_z8_mistyped_words_are_read_as_the_callers_own_texts_spell_them(
    sessions: Sessions, begin: Begin, indexed: Any
) -> None:
    story = await begin("wati-business-plus")
    ours = await story.open(title="La exportación falla al generar el PDF")
    await story.engineer.post(f"{path_of(ours)}/messages", 201, body="The kraken, says nobody", visibility="internal")
    other = await make_account(sessions, "wati-business-plus")
    rival = Caller(story.customer.client, await make_key(sessions, account_id=other.account_id, role="owner"))
    await rival.post("/v1/tickets", 201, title="Leviathan", description="x", requester=_BO)
    await indexed()
    answer = await found(story.customer, "exprotacion fala")
    assert kinds(answer) == [("ticket", "La exportación falla al generar el PDF")]
    assert answer["corrections"] == {"exprotacion": "exportacion", "fala": "falla"}
    assert answer["items"][0]["title_html"] == "La <mark>exportación</mark> <mark>falla</mark> al generar el PDF"
    assert (await found(story.customer, "exportacion fala"))["corrections"] == {}, "a text has one of the words"
    for q in ("krakem", "leviatan", "leviathon"):
        answer = await found(story.customer, q)
        assert (answer["items"], answer["corrections"]) == ([], {}), q
        assert answer["facets"]["type"] == {}, q
    assert (await found(story.engineer, "krakem"))["corrections"] == {"krakem": "kraken"}


async def test_z8_what_is_found_as_it_is_spelt_is_not_corrected(sessions: Sessions, begin: Begin, indexed: Any) -> None:
    story = await begin("wati-business-plus")
    behind = await story.open(title="Ledges are missing")
    known = {"title": "Broken", "workaround": "Close the ledger", "tickets": [behind["id"]]}
    await story.engineer.post("/v1/problems", 201, **known)
    while await Telling(sessions).run_pass():
        pass
    await indexed()
    await make_person(sessions, story.account.account_id, "ledgem@solar-roofs.example", "viewer")
    await story.open(title="Not indexed yet", external_ref="ledgen")
    for q, titles in (("ledger", ["Broken"]), ("ledgen", ["Not indexed yet"]), ("ledgem", ["ledgem"])):
        answer = await found(story.customer, q)
        assert ([hit["title"] for hit in answer["items"]], answer["corrections"]) == (titles, {}), q
    for q in ("ledger", "ledgem"):
        assert (await found(story.customer, q, type="ticket"))["corrections"] == {}, q
    assert (await found(story.customer, "ledgek", type="ticket"))["corrections"] == {"ledgek": "ledges"}


async def test_z8_hidden_texts_do_not_change_what_is_corrected(sessions: Sessions, begin: Begin, indexed: Any) -> None:
    story = await begin("wati-business-plus")
    await story.open(title="A kraken")
    await indexed()
    notes = """
    INSERT INTO search_texts SELECT $1, 'msg_' || n, 'tkt_1', true, false, now() + interval '1 hour', 'squid'::tsvector
    FROM generate_series(1, 500) AS n
    """
    await fetch(sessions, notes, story.account.account_id)
    assert (await found(story.customer, "krakem"))["corrections"] == {"krakem": "kraken"}
    assert (await found(story.customer, "squit"))["corrections"] == {}


async def test_z8_a_customer_finds_nothing_of_others_and_nothing_internal(
    sessions: Sessions, begin: Begin, indexed: Any
) -> None:
    story = await begin("wati-business-plus", name="Solar Roofs")
    ours = await story.open(title="Ours")
    await story.engineer.post(f"{path_of(ours)}/messages", 201, body="kraken, says nobody", visibility="internal")
    other = await make_account(sessions, "wati-business-plus", name="Kraken Shipping", external_ref=_RARE)
    await make_person(sessions, other.account_id, "eva@kraken.example", "owner")
    rival = Caller(story.customer.client, await make_key(sessions, account_id=other.account_id, role="owner"))
    fields = {"title": "A kraken", "description": _RARE, "requester": _BO, "product": _RARE, "external_ref": _RARE}
    theirs = await rival.post("/v1/tickets", 201, **fields)
    behind = await story.engineer.post(
        "/v1/problems", 201, title="Broken cable", description="The kraken did it", tickets=[ours["id"], theirs["id"]]
    )
    await story.engineer.post("/v1/problems", 201, title="Kraken at large", tickets=[])
    hidden = {"title": "Where the kraken lives", "body": _RARE, "audience": "internal", "status": "published"}
    await story.engineer.post("/v1/articles", 201, **hidden)
    while await Telling(sessions).run_pass():
        pass
    await indexed()
    nothing = await found(story.customer, _RARE)
    assert nothing["items"] == []
    assert all(counts == {} for counts in nothing["facets"].values())
    assert nothing["more"] is False
    for q in (theirs["number"], theirs["id"], "bo@kraken.example", "eva@kraken.example", "Kraken Shipping"):
        answer = await story.customer.send("GET", f"/v1/search?q={q}")
        assert (answer.status_code, answer.json()["items"]) == (200, []), q
    for q in (behind["number"], behind["number"].lower().replace("-", "")):
        own = await found(story.customer, q)
        assert [(hit["type"], hit["exact"], hit["excerpt_html"]) for hit in own["items"]] == [("problem", True, None)]
    await story.customer.get("/v1/search", 404, q=_RARE, account_id=other.account_id)
    assert len((await found(story.engineer, _RARE))["items"]) == 7
    sandbox = await make_account(sessions, "wati-business-plus", sandbox=True)
    theirs = await make_engineer(sessions, account_id=sandbox.account_id)
    confined = Caller(story.customer.client, await make_key(sessions, "agent", engineer_id=theirs.id))
    await confined.get("/v1/problems", 403)
    await confined.post("/v1/articles", 403, **hidden)
    assert (await confined.get("/v1/articles"))["items"] == []
    assert kinds(await found(confined, _RARE)) == []


async def test_z8_a_frequent_word_is_looked_for_among_the_newest(
    begin: Begin, indexed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await begin("wati-business-plus")
    monkeypatch.setattr(finding, "_OFTEN", 3)
    for number in range(5):
        await story.open(title=f"Printer {number}")
    await indexed()
    answer = await found(story.customer, "printer", limit=2)
    assert [hit["title"] for hit in answer["items"]] == ["Printer 4", "Printer 3"]
    assert answer["more"] is True
    assert answer["facets"]["type"] == {"ticket": 5}


async def test_z8_rare_words_lead_to_older_texts(begin: Begin, indexed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    story = await begin("wati-business-plus")
    for title in ("A kraken in the printer", "A squid in the printer", "A printer", "A printer as well"):
        await story.open(title=title)
    await indexed()
    monkeypatch.setattr(finding, "_NEAR", finding._NEAR.replace(f"LIMIT (SELECT {finding._NEWEST})", "LIMIT 1"))
    monkeypatch.setattr(finding, "_NEWEST", 1)
    monkeypatch.setattr(finding, "_RARE", 1)
    for q, titles, more in (
        ("kraken printer", ["A kraken in the printer"], False),
        ("kraken squid", ["A squid in the printer", "A kraken in the printer"], False),
        ("printer", ["A printer as well"], True),
        ("unicorn", [], False),
    ):
        for caller in (story.customer, story.engineer):
            answer = await found(caller, q, type="ticket")
            assert ([hit["title"] for hit in answer["items"]], answer["more"]) == (titles, more), q


async def test_z8_a_look_up_reads_no_words_of_other_accounts_and_none_of_notes(
    sessions: Sessions, begin: Begin, indexed: Any
) -> None:
    """So the time that it takes tells nobody whether others have a word."""
    story = await begin("wati-business-plus")
    ticket = await story.open(title="A squid in the printer")
    await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="A kraken, says nobody", visibility="internal")
    other = await make_account(sessions, "wati-business-plus")
    await indexed()
    many = """
    INSERT INTO search_texts SELECT $1, 'msg_' || n, 'tkt_' || n, false, false, now(), 'kraken squid'::tsvector
    FROM generate_series(1, 500) AS n
    """
    await fetch(sessions, many, other.account_id)
    own = story.account.account_id
    for word, internal, rows in (("squid", False, 1), ("kraken", False, 0), ("kraken", True, 1), ("unicorn", True, 0)):
        scope, led = finding._LED_IN_ONE
        statement = finding._DEEP.format(scope=scope, led=led)
        leading = own_query(own, [word], internal=internal, whole=True)
        async with sessions() as session:
            connection = await driver(session)
            await connection.execute(finding._BY_WORDS)
            explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            plan = root(await connection.fetchval(explained, own, query([word]), internal, leading, 9))
        (scan,) = [node for node in nodes(plan) if node["Node Type"] == "Bitmap Index Scan"]
        assert (scan["Index Name"], scan["Actual Rows"]) == ("ix_search_texts_own_words", rows), word


async def test_z8_what_is_searched_for_needs_a_letter(begin: Begin) -> None:
    story = await begin("wati-business-plus")
    for q in ("…!", " ", "a"):
        refused = await story.customer.get("/v1/search", 422, q=q)
        assert refused["errors"][0]["pointer"] == "#/query/q"


async def test_z8_the_index_follows_the_events_once(sessions: Sessions, begin: Begin, indexed: Any) -> None:
    story = await begin("wati-business-plus")
    await story.open(title="One")
    await indexed()
    before = await fetch(sessions, "SELECT ctid::text FROM search_texts")
    await indexed()
    assert await fetch(sessions, "SELECT ctid::text FROM search_texts") == before
