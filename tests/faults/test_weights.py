"""What weighs much is not carried along where it is not shown, and what takes long is done before anything is held."""

from typing import Any, Final

import httpx
import pytest

from app.articles import rendering
from app.articles.diff import with_diffs
from app.core.problems import TooLong, TooManyRequests, Unavailable
from app.core.web.kit.paging import PAGE_BYTES, as_written
from app.core.workers.offload import Offload
from tests.support.desk import fetch
from tests.support.stories import Begin

pytestmark = pytest.mark.faults

LONG: Final = "\u4e2d" * 49_000
FIELDS: Final = {f"field {number}": "\u4e2d" * 1_990 for number in range(20)}
VERSIONS: Final = """
INSERT INTO article_versions
SELECT copy.* FROM article_versions AS v, generate_series(2, 40) AS n,
jsonb_populate_record(v, jsonb_build_object('version', n, 'body', n || repeat('\u4e2d', 49000))) AS copy
WHERE v.article_id = $1 RETURNING version
"""
COPY: Final = """
INSERT INTO tickets
SELECT copy.* FROM tickets AS t, generate_series(1, 40) AS n,
jsonb_populate_record(t, jsonb_build_object('id', 'tkt_' || lpad(n::text, 26, '0'), 'number', 'N' || n)) AS copy
WHERE t.id = $1 RETURNING tickets.id
"""
SLOW: Final = "![[" * 4_000
"""Markdown that takes a tenth of a second."""


async def test_a_list_reads_as_many_long_texts_as_one_page_shows(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    story = await begin("wati-pro")
    ticket = await story.open(description=LONG, custom=FIELDS)
    await fetch(story.sessions, COPY, ticket["id"])
    read: list[int] = []

    def spy(request: Any, page: Any, found: Any, body: Any) -> Any:
        read.append(sum(len(row["body"].encode()) for row in found.rows if row["body"] is not None))
        return as_written(request, page, found, body)

    monkeypatch.setattr("app.tickets.api.tickets.as_written", spy)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await story.customer.get("/v1/tickets", limit=200, **cursor)
        seen += [each["id"] for each in page["items"]]
        assert len(seen) <= 41
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 41
    await fetch(story.sessions, "DELETE FROM tickets WHERE id <> $1 RETURNING id", ticket["id"])  # they have no events
    one = len(LONG.encode())
    assert len(read) >= 3
    assert max(read) < PAGE_BYTES + 3 * one


async def test_what_is_written_is_rendered_before_anything_is_held(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process: neither this one's thread nor its event loop has to."""
    story = await begin("wati-pro")

    class _Busy:
        def submit(self, *_: object) -> None:
            raise AssertionError("it is rendered here")

    monkeypatch.setattr(rendering, "_THREAD", _Busy())
    fields = {"title": "How to restore", "body": f"\n{SLOW}\n", "status": "published"}
    made = await story.engineer.post("/v1/articles", 201, **fields)
    assert "<p>![[" in made["html"]
    changed = await story.engineer.patch(f"/v1/articles/{made['id']}", body=f"{SLOW} again\n")
    assert changed["html"].rstrip().endswith("again</p>")
    answer: httpx.Response = await story.engineer.send("GET", f"/v1/articles/{made['id']}/versions")
    assert [bool(each["diff"]) for each in answer.json()["items"]] == [False, True]


async def test_what_is_written_is_taken_while_the_worker_processes_are_busy(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await begin("wati-pro")
    refusals = [TooManyRequests(), Unavailable(), TooLong()]

    async def refused(*_: object) -> None:
        raise refusals.pop()

    monkeypatch.setattr(Offload, "run", refused)
    text = "\n\n".join(["*x*"] * 200)
    made = await story.engineer.post("/v1/articles", 201, title="How to restore", body=text, status="published")
    assert made["html"].startswith("<p><em>x</em></p>")
    for end in ("y", "z"):
        changed = await story.engineer.patch(f"/v1/articles/{made['id']}", body=text + end)
        assert changed["html"].rstrip().endswith(f"<em>x</em>{end}</p>")
    assert not refusals


async def test_versions_are_compared_as_many_as_one_page_shows(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    story = await begin("wati-pro")
    article = await story.engineer.post("/v1/articles", 201, title="How to restore", body="1")
    await fetch(story.sessions, VERSIONS, article["id"])
    run, compared = Offload.run, list[list[int]]()

    async def spy(offload: Offload, owner: str, function: Any, *arguments: Any) -> Any:
        if function is with_diffs:
            compared.append([len(each["body"].encode()) for each in arguments[0].values()])
        return await run(offload, owner, function, *arguments)

    monkeypatch.setattr(Offload, "run", spy)
    seen: list[tuple[int, str]] = []
    cursor: dict[str, str] = {}
    while cursor or not seen:
        page = await story.engineer.get(f"/v1/articles/{article['id']}/versions", limit=200, **cursor)
        seen += [(each["version"], each["diff"].partition("\n")[0]) for each in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
    assert seen == [(1, ""), *((number, f"--- {number - 1}") for number in range(2, 41))]
    assert len(compared) >= 3
    assert max(map(sum, compared)) < PAGE_BYTES + 3 * len(LONG.encode())
