"""What a programme's page tells of plans that do not ship."""

from typing import Any, Final

import pytest

from app.plans.document.model import PlanDocument
from app.plans.document.parsing.documents import parse
from app.plans.document.parsing.stored import read_stored
from app.plans.programme.outline import Trial, programme
from app.plans.programme.page import page
from app.plans.schemas import Programme, ProgrammeSection
from tests.support.documents import small

TOLD: Final = {
    "name": "the title",
    "programme": "the introduction and the chapters",
    "calendars": "hours",
    "hours": "hours",
    "priorities": "priorities",
    "default_priority": "priorities",
    "requires": "priorities",
    "review_non_production": "priorities",
    "matrix": "matrix",
    "targets": "deadlines",
    "update_from": "deadlines",
    "best_effort": "deadlines",
    "objectives": "objectives",
    "call": "call",
    "alert": "experts",
    "routing": "experts",
    "top_tier": "experts",
    "customer_may": "customer",
    "escalation": "customer",
    "pause": "waiting",
    "waiting": "waiting",
    "close_after": "waiting",
    "on_miss": "late",
    "channels": "channels",
    "trial": "channels",
    "addons": "addons",
    "services": "services",
}
UNTOLD: Final = {
    "key": "it is in the address",
    "public": "who reads the page",
    "warn_at": "for support alone",
    "problems": "likewise",
    "mails": "it depends on the operator's mail server, too",
}


def told(**changes: Any) -> Programme:
    return programme(parse(small(**changes)), 1, "en", Trial(2, {"en": "The other one"}, None))


def section(document: Programme, key: str) -> ProgrammeSection:
    return next(each for each in document.sections if each.key == key)


def test_every_member_of_a_plan_is_told_or_is_not_for_customers() -> None:
    assert set(PlanDocument.model_fields) == set(TOLD) | set(UNTOLD)


def test_days_with_the_same_hours_are_told_together() -> None:
    windows = [["09:00", "12:00"], ["13:00", "24:00"]]
    weekly = {"mon": windows, "tue": windows, "wed": windows, "fri": [["08:00", "10:00"]]}
    working = {"time_zone": "Europe/Madrid", "weekly": weekly, "holidays": {"country": "ES"}}
    hours = section(told(calendars={"working": working}, hours="working"), "hours").items
    assert [text.replace("\u202f", " ") for text in hours] == [
        "Monday to Wednesday: 9:00 AM\u201312:00 PM, 1:00 PM\u201324:00".replace(", ", " and "),
        "Friday: 8:00 AM\u201310:00 AM",
        "Time zone: Europe/Madrid",
        "Public holidays that do not count: Spain",
    ]


def test_days_off_are_dates() -> None:
    weekly = {"sat": [["09:00", "12:00"]], "sun": [["09:00", "12:00"]]}
    working = {"time_zone": "account", "weekly": weekly, "holidays": {"dates": ["2026-12-25", "2026-12-24"]}}
    assert section(told(calendars={"working": working}, hours="working"), "hours").items == [
        "Saturday and Sunday: 9:00\u202fAM\u201312:00\u202fPM",
        "The times are those of your time zone.",
        "Days that do not count: December 24, 2026 and December 25, 2026",
    ]


DAY: Final = {"time_zone": "account", "weekly": {"mon": [["09:00", "17:00"]]}}


def test_several_calendars_are_told_apart_by_their_names_or_hours_and_by_what_they_count_for() -> None:
    targets = {"hot": {"first_response": {"duration": "PT1H", "calendar": "a"}, "resolution": {"duration": "PT3H"}}}
    calendars = {"a": DAY | {"label": {"en": "Office hours"}}, "b": DAY}
    entries = section(told(calendars=calendars, hours="b", targets=targets), "hours").entries
    mondays = "Monday: 9:00\u202fAM\u20135:00\u202fPM"
    assert [entry.title for entry in entries] == ["Office hours", mondays]
    assert [entry.notes[0] == mondays for entry in entries] == [True, False]
    assert [entry.notes[-1] for entry in entries] == [
        "They count for: First response (Hot)",
        "They count for: Resolution (Hot)",
    ]


def test_hours_beside_those_around_the_clock_are_told_apart() -> None:
    targets = {"hot": {"first_response": "PT1H", "resolution": {"duration": "PT3H", "calendar": "a"}}}
    document = told(calendars={"a": DAY}, hours="24x7", targets=targets)
    assert section(document, "deadlines").paragraphs[0] == "These times are counted in the working hours below."
    first, second = section(document, "hours").entries
    assert (first.title, first.notes) == ("Around the clock", ["They count for: First response (Hot)"])
    assert second.notes[-1] == "They count for: Resolution (Hot)"


def test_a_calendar_without_a_name_leaves_the_hash_of_its_plan_as_it_was() -> None:
    named = parse(small(calendars={"working": DAY | {"label": {"en": "Office hours"}}}))
    assert parse(named.canonical()) == named
    assert "label" not in parse(small(calendars={"working": DAY})).canonical()["calendars"]["working"]


def test_what_a_plan_does_not_say_is_not_on_its_page() -> None:
    keys = [each.key for each in told().sections]
    assert keys == ["deadlines", "hours", "priorities", "customer", "waiting", "channels"]


def test_no_promise_and_best_effort_are_told_apart() -> None:
    none = programme(read_stored({"key": "a", "priorities": ["P1"], "targets": {}})[0], 1, "en")
    assert "deadlines" not in [each.key for each in none.sections]
    best = programme(parse({"key": "a", "priorities": ["P1"], "targets": {}, "best_effort": True}), 1, "en")
    assert section(best, "deadlines").paragraphs == ["There are no deadlines: we answer on a best-effort basis."]


def test_an_addon_is_called_by_its_label_else_by_its_key() -> None:
    addons = {"more": {"tiers": 2}, "tam": {"label": {"en": "Somebody of your own"}, "notify_tam": True}}
    assert [each.title for each in section(told(addons=addons), "addons").entries] == ["more", "Somebody of your own"]


def test_the_programme_of_a_trial_is_named_and_only_linked_where_it_is_public() -> None:
    fact = section(told(), "channels").facts[-1]
    assert (fact.value, fact.programme_url) == ("The other one", None)


@pytest.mark.parametrize(
    ("text", "title", "first"),
    [
        ("# Ours\n\nHello\n\n## More\n\nText", "<h1>Ours</h1>", "<p>Hello</p>"),
        ("Hello\n\n## More", "<h1>Small</h1>", "<p>Hello</p>"),
        ("", "<h1>Small</h1>", ""),
        ("#", "<h1>Small</h1>", ""),
        ("a | b\n--- | ---\n1 | 2", "<h1>Small</h1>", "<table>"),
        ("# *Big* <b> [x](javascript:y)\n\nz", "<h1><em>Big</em> &lt;b&gt; [x](javascript:y)</h1>", "<p>z</p>"),
    ],
    ids=["title", "none", "empty", "empty title", "table", "marked title"],
)
def test_a_text_is_told_with_a_title(text: str, title: str, first: str) -> None:
    changes = {"programme": {"en": text}} if text else {}
    html = page(told(**changes))
    assert title in html
    assert html.count("<h1") == 1
    assert first in html
