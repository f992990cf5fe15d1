"""Plan documents that other versions have stored: read by this one, and no ticket stands still because of them.

The fixtures are the shipped plans as versions of those days stored them, with their texts cut short.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import OPT_SORT_KEYS, dumps, loads
from pydantic import ValidationError

from app.core.db.engine import Sessions
from app.core.problems import Invalid
from app.plans.document.parsing.documents import parse
from app.plans.document.parsing.heavy import content_hash
from app.plans.document.parsing.stored import RENAMED, first_named, read_stored, translated
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at
from tests.support.sweeping import run_pass

FIXTURES: Final = Path(__file__).parent / "fixtures"
STORED: Final[dict[str, dict[str, Any]]] = {
    f"{path.stem}-{document['key']}": document
    for path in sorted(FIXTURES.glob("stored-*.jsonl"))
    for document in map(loads, path.read_bytes().splitlines())
}
every_document = pytest.mark.parametrize("name", STORED)
LATER: Final = "a key of another version"
VOCABULARIES: Final = ("channels", "providers", "contact", "reasons", "pause", "on_miss", "requires")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


def _objects(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        yield data
    for part in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _objects(part)


def _lists(data: Mapping[str, Any], *, of_words: bool = False) -> Iterator[list[Any]]:
    """The lists whose items are words of a closed vocabulary."""
    for name, value in data.items():
        inside = of_words or name in VOCABULARIES
        if isinstance(value, list):
            if inside:
                yield value
            for each in value:
                yield from _lists(each) if isinstance(each, dict) else ()
        elif isinstance(value, dict):
            yield from _lists(value, of_words=inside)


def of_another_version(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what this version does not know: a key in every object, a word in every closed list."""
    changed = dict(deepcopy(document))
    for word in list(_lists(changed)):
        word.append("word_of_another_version")
    for part in list(_objects(changed)):
        part[LATER] = {"a": [1, {"b": None}]}
    return changed


@every_document
def test_a_document_of_an_earlier_version_is_read_whole(name: str) -> None:
    read, passed_over = read_stored(STORED[name])
    assert passed_over == []
    written = first_named(read.canonical())
    assert {key: written[key] for key in STORED[name]} == STORED[name]


@pytest.mark.parametrize("name", [name for name in STORED if name.startswith("stored-2026-11-26")])
def test_a_document_keeps_its_hash_whatever_a_key_is_called(name: str) -> None:
    as_it_was = sha256(dumps(STORED[name], option=OPT_SORT_KEYS)).hexdigest()
    assert content_hash(read_stored(STORED[name])[0].canonical()) == as_it_was


@every_document
def test_what_another_version_knows_is_passed_over_wherever_it_stands(name: str) -> None:
    document = of_another_version(STORED[name])
    read, passed_over = read_stored(document)
    assert read == read_stored(STORED[name])[0]
    assert len(passed_over) == sum(LATER in part for part in _objects(document)) + len(list(_lists(STORED[name])))
    with pytest.raises(Invalid):
        parse(document)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_unknown_keys_anywhere_change_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(STORED)))
    document = deepcopy(STORED[name])
    for part in data.draw(st.lists(st.sampled_from(range(len(list(_objects(document))))), max_size=5)):
        list(_objects(document))[part][f"{LATER} {part}"] = data.draw(values)
    assert read_stored(document)[0] == read_stored(STORED[name])[0]


SMALL: Final[dict[str, Any]] = parse(
    {
        "key": "small",
        "calendars": {"office": {"time_zone": "UTC", "weekly": {"mon": [["09:00", "17:00"]]}}},
        "priorities": ["hi", "lo"],
        "targets": {"hi": {"update": {"duration": "PT1H", "calendar": "office"}, "first_response": "PT1H"}},
        "call": {"priorities": ["hi"], "providers": ["meet"]},
    }
).canonical()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"channels": ["fax"]}, {"channels": ["web", "email", "phone", "widget"]}),
        ({"customer_may": {"priority": "sometimes", "escalate": False}}, {}),
        ({"call": {"priorities": ["hi"], "providers": ["later"]}}, {"call": None}),
        ({"close_after": "P7D"}, {}),
        ({"routing": {"tiers": 20, "exclusive": ["hi"]}}, {"routing": SMALL["routing"] | {"exclusive": ["hi"]}}),
        (
            {"calendars": {"office": {"time_zone": "UTC", "weekly": {"daily": [["09:00", "17:00"]]}}}},
            {"calendars": {}, "targets": {"hi": {"update": "PT1H", "first_response": "PT1H"}}},
        ),
        ({"targets": {"hi": {"first_response": {"about": "PT1H"}}}}, {"targets": {"hi": {}}}),
        ({"later": 1, "default_priority": "gone"}, {"default_priority": "lo"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_without_the_unknown_goes_with_it(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    read, passed_over = read_stored(SMALL | changes)
    assert read.canonical() == SMALL | expected
    assert passed_over


@pytest.mark.parametrize("data", [None, [], "plan", {}, {"key": "a"}, {"key": "a", "priorities": [{}]}], ids=repr)
def test_what_is_no_plan_is_refused(data: Any) -> None:
    with pytest.raises(ValidationError):
        read_stored(data)


def test_old_keys_are_read_by_their_names_of_today() -> None:
    renamed = {"call.join_from": "remind", "priorities.*.contact": "reach", "targets.*.update": "inform", "a.b": "c"}
    old = {
        "call": {"join_from": "PT5M", "join_by": "PT9M"},
        "priorities": [{"key": "hi", "contact": ["web"]}, "lo"],
        "targets": {"hi": {"update": "PT1H"}, "lo": None},
        "a": {"b": 1, "c": 2},
    }
    kept = deepcopy(old)
    assert translated(old, renamed) == {
        "call": {"remind": "PT5M", "join_by": "PT9M"},
        "priorities": [{"key": "hi", "reach": ["web"]}, "lo"],
        "targets": {"hi": {"inform": "PT1H"}, "lo": None},
        "a": {"c": 2},
    }
    assert old == kept
    assert translated({"call": None, "priorities": {}}, renamed) == {"call": None, "priorities": {}}


def test_no_old_name_is_one_of_todays() -> None:
    known = {
        key for document in STORED.values() for part in _objects(read_stored(document)[0].canonical()) for key in part
    }
    assert {place.rpartition(".")[2] for place in RENAMED}.isdisjoint(known)


async def test_tickets_of_such_documents_catch_up(sessions: Sessions) -> None:
    accounts = []
    for number, document in enumerate(STORED.values()):
        row = of_another_version(document) | {"key": f"plan-{number}", "trial": None}
        await fetch(
            sessions,
            "INSERT INTO plan_versions (key, version, document, document_hash, created_at)"
            " VALUES ($1, 1, $2::text::jsonb, $1, clock_timestamp())",
            row["key"],
            dumps(row).decode(),
        )
        accounts.append(await make_account(sessions, row["key"]))
    now = await now_of(sessions)
    texts = {"business_impact": "All shops are down", "priority_reason": "Nobody can buy"}
    for account in accounts:
        await open_at(sessions, account.account_id, now - timedelta(days=9), **texts)
    await run_pass(sessions)
    tickets = await fetch(sessions, "SELECT id, plan_key, wake_at, status FROM tickets")
    assert len(tickets) == len(STORED)
    assert [ticket for ticket in tickets if ticket["wake_at"] and ticket["wake_at"] <= now] == []
    assert await fetch(sessions, "SELECT FROM postponements") == []
    missed = await fetch(sessions, "SELECT DISTINCT account_id FROM deadlines WHERE missed_at IS NOT NULL")
    assert len(missed) == sum(not document["best_effort"] for document in STORED.values())
