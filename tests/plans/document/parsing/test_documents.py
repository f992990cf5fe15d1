"""What a plan document is refused for, and where the fault points."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.problems import Fault, Invalid
from app.plans.document.parsing.documents import PlanDocument, parse, parse_yaml
from tests.support.documents import SMALL, small


def faults(data: Any) -> list[Fault]:
    with pytest.raises(Invalid) as refusal:
        parse(data) if not isinstance(data, str) else parse_yaml(data)
    assert all(fault["detail"].endswith(".") for fault in refusal.value.errors)
    return refusal.value.errors


def pointers(data: Any) -> list[str]:
    return [fault["pointer"] for fault in faults(data)]


def test_a_small_plan_is_taken_and_its_defaults_are_those_of_the_contract() -> None:
    plan = parse_yaml(SMALL)
    assert plan.hours == "24x7"
    assert plan.pause == {"waiting_on_customer": ["resolution", "update", "tier_escalation"]}
    assert plan.warn_at == [50, 75, 90]
    assert plan.close_after.total_seconds() == 168 * 3600
    assert parse(plan.canonical()) == plan
    assert parse(small()) == plan


ONE_FAULT = [
    ({"colour": "red"}, "/colour"),
    ({"waiting": {}}, "/waiting"),
    ({"waiting": {"remind": [], "resolve": None}}, "/waiting"),
    ({"update_from": None}, "/update_from"),
    ({"problems": {}}, "/problems"),
    ({"problems": {"threshold": 2}}, "/problems/threshold"),
    ({"problems": {"targets": {"open": "PT1H"}}}, "/problems/targets/open"),
    ({"problems": {"targets": {"known_error": "PT2H", "resolved": "PT1H"}}}, "/problems/targets/known_error"),
    ({"problems": {"targets": {"resolved": "P1D"}}}, "/problems/targets/resolved"),
    ({"key": "Small Plan"}, "/key"),
    ({"name": {"es": "Pequeño"}}, "/name"),
    ({"hours": "office"}, "/hours"),
    ({"default_priority": "warm"}, "/default_priority"),
    ({"targets": {"warm": {"first_response": "PT1H"}}}, "/targets/warm"),
    ({"targets": {"hot": {"smile": "PT1H"}}}, "/targets/hot/smile"),
    ({"targets": {"hot": {"escalation_ack": "PT1H"}}}, "/targets/hot/escalation_ack"),
    ({"targets": {"hot": {"first_response": "P1D"}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": "P1M"}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": "PT0S"}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": "-PT1H"}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": 5}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": {}}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": {"business_days": 0, "calendar": "working"}}}},
     "/targets/hot/first_response/business_days"),
    ({"targets": {"hot": {"first_response": {"business_days": 1}}}}, "/targets/hot/first_response"),
    ({"targets": {"hot": {"first_response": {"duration": "PT1H", "calendar": "x"}}}},
     "/targets/hot/first_response/calendar"),
    ({"targets": {"hot": {"first_response": {"duration": "PT80000H", "calendar": "working"}}}},
     "/targets/hot/first_response"),
    ({"requires": {"warm": ["business_impact"]}}, "/requires/warm"),
    ({"requires": {"hot": ["money"]}}, "/requires/hot/0"),
    ({"routing": {"exclusive": ["hot", "warm"]}}, "/routing/exclusive/1"),
    ({"routing": {"follow_the_sun": ["warm"]}}, "/routing/follow_the_sun/0"),
    ({"routing": {"max_experts": 0}}, "/routing/max_experts"),
    ({"routing": {"max_experts": "many"}}, "/routing/max_experts"),
    ({"alert": {"accept": "PT5M", "repeat": "PT59S"}}, "/alert/repeat"),
    ({"alert": {"repeat": "PT5M"}}, "/alert/accept"),
    ({"call": {"priorities": ["warm"], "providers": ["meet"]}}, "/call/priorities/0"),
    ({"call": {"priorities": ["hot"], "providers": ["pigeon"]}}, "/call/providers/0"),
    ({"call": {"priorities": ["hot"], "providers": ["meet"], "remind": "PT2H"}}, "/call/join_by"),
    ({"on_miss": {"escalation_ack": ["notify_manager", "open_escalation"]}}, "/on_miss/escalation_ack/1"),
    ({"on_miss": {"resolution": ["fly"]}}, "/on_miss/resolution/0"),
    ({"on_miss": {"mood": ["reassign"]}}, "/on_miss/mood"),
    ({"on_miss": {"update": ["reassign", "reassign"]}}, "/on_miss/update/1"),
    ({"pause": {"closed": ["update"]}}, "/pause/closed"),
    ({"pause": {"open": ["alert_ack"]}}, "/pause/open/0"),
    ({"warn_at": [50, 50]}, "/warn_at/1"),
    ({"warn_at": [0]}, "/warn_at/0"),
    ({"warn_at": [100]}, "/warn_at/0"),
    ({"objectives": {"update": 1.5}}, "/objectives/update"),
    ({"customer_may": {"priority": "sometimes"}}, "/customer_may/priority"),
    ({"routing": {"tiers": 3}, "addons": {"less": {"tiers": 2}}}, "/addons/less/tiers"),
    ({"channels": []}, "/channels"),
    ({"channels": ["smoke"]}, "/channels/0"),
    ({"close_after": "P7D"}, "/close_after"),
    ({"best_effort": True}, "/targets"),
    ({"best_effort": True, "targets": {}, "alert": {"accept": "PT5M"}}, "/alert"),
    ({"best_effort": True, "targets": {}, "escalation": {"reasons": [], "acknowledge": "PT5M"}},
     "/escalation/acknowledge"),
    ({"best_effort": "perhaps"}, "/best_effort"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "place"), ONE_FAULT, ids=lambda value: value if isinstance(value, str) else "")
def test_one_fault_is_told_with_its_place(change: dict[str, Any], place: str) -> None:
    assert pointers(small(**change)) == [place]


CALENDAR_FAULTS = [
    ({"time_zone": "Mars/Olympus"}, "/time_zone"),
    ({"weekly": {}}, "/weekly"),
    ({"weekly": {"mon": []}}, "/weekly"),
    ({"weekly": {"moonday": [["09:00", "12:00"]]}}, "/weekly/moonday"),
    ({"weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}}, "/weekly/mon/1"),
    ({"weekly": {"mon": [["22:00", "06:00"]]}}, "/weekly/mon/0"),
    ({"weekly": {"mon": [["9:00", "12:00"]]}}, "/weekly/mon/0/0"),
    ({"weekly": {"mon": [["09:00", "24:01"]]}}, "/weekly/mon/0/1"),
    ({"weekly": {"mon": [["09:00"]]}}, "/weekly/mon/0/1"),
    ({"weekly": {"mon": [["09:00", "09:01"]] * 100}}, "/weekly/mon"),
    ({"holidays": {"dates": ["2026-13-01"]}}, "/holidays/dates/0"),
    ({"holidays": {"dates": ["20261225"]}}, "/holidays/dates/0"),
    ({"holidays": {"country": "account", "subdivision": "NY"}}, "/holidays/subdivision"),
    ({"open": True}, "/open"),
]


@pytest.mark.parametrize(("change", "place"), CALENDAR_FAULTS)
def test_c01_a_faulty_calendar_is_refused(change: dict[str, Any], place: str) -> None:
    working = {"time_zone": "account", "weekly": {"mon": [["09:00", "12:00"]]}} | change
    assert pointers(small(calendars={"working": working})) == [f"/calendars/working{place}"]


def test_c01_business_days_need_closed_time_also_where_only_an_account_could_give_it() -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    weekly = {day: [["00:00", "12:00"], ["12:00", "24:00"]] for day in days}
    working = {"time_zone": "UTC", "weekly": weekly, "holidays": {"country": "account"}}
    assert pointers(small(calendars={"working": working})) == ["/targets/cold/first_response"]


def test_the_built_in_calendar_is_not_redefined() -> None:
    working = small()["calendars"]["working"]
    assert pointers(small(calendars={"24x7": working, "working": working})) == ["/calendars/24x7"]


def test_twin_priorities_are_refused() -> None:
    hot, cold = small()["priorities"]
    assert pointers(small(priorities=[hot, cold, hot])) == ["/priorities/2/key"]


SHORT = [
    ({"priorities": ["hot", "cold", "hot"]}, ["/priorities/2"]),
    ({"priorities": ["hot", {"key": "hot"}, "cold"]}, ["/priorities/1/key"]),
    ({"priorities": ["hot", "cold", "not a key"]}, ["/priorities/2"]),
    ({"priorities": ["hot", "cold", {"key": "not a key"}]}, ["/priorities/2/key"]),
    ({"priorities": ["hot", "cold", {"key": "x" * 300}]}, ["/priorities/2/key"]),
    ({"priorities": ["hot", "cold", "x" * 300]}, ["/priorities/2"]),
    ({"priorities": ["hot", "cold", 7]}, ["/priorities/2"]),
    ({"key": "k" * 300}, ["/key"]),
]


@pytest.mark.parametrize(("change", "places"), SHORT, ids=range(len(SHORT)))
def test_what_stands_for_more_is_told_once_where_it_is_written(change: dict[str, Any], places: list[str]) -> None:
    texts = {"name", "programme", "default_priority"} - set(change)
    data = {name: value for name, value in small(**change).items() if name not in texts}
    assert pointers(data) == places


def test_a_matrix_has_a_priority_in_every_cell() -> None:
    matrix = {"high": {"large": "hot", "medium": "hot", "small": "warm"}, "medium": {"large": "cold", "small": "cold"}}
    assert pointers(small(matrix=matrix)) == ["/matrix/high/small", "/matrix/medium/medium", "/matrix/low"]


def test_all_faults_are_told_at_once() -> None:
    data = small(
        colour="red",
        default_priority="warm",
        targets={"hot": {"first_response": "P1D", "resolution": {"duration": "PT1H", "calendar": "x"}}},
        on_miss={"escalation_ack": ["open_escalation"], "update": ["fly"]},
    )
    assert sorted(pointers(data)) == [
        "/colour",
        "/default_priority",
        "/on_miss/escalation_ack/0",
        "/on_miss/update/0",
        "/targets/hot/first_response",
        "/targets/hot/resolution/calendar",
    ]


def test_a_needed_key_that_is_missing_is_named() -> None:
    data = small()
    del data["priorities"]
    assert {"pointer": "/priorities", "detail": "The key `priorities` is required."} in faults(data)


def test_the_pointer_escapes_what_rfc_6901_escapes() -> None:
    assert pointers(small(**{"a/b~c": 1})) == ["/a~1b~0c"]


def test_day_units_are_refused_with_a_way_out() -> None:
    (fault,) = faults(small(targets={"hot": {"first_response": "P2D"}}))
    assert "business_days" in fault["detail"]


BAD_TEXTS = [
    ("", ""),
    ("- 1", ""),
    ("a: [", ""),
    ("a: 1\n---\nb: 2", ""),
    ("name: {en: x, en: y}", "/name/en"),
    ("name: &n {en: x}\nprogramme: *n", "/name"),
    ("name: !!python/object/apply:os.system [ls]", "/name"),
    ("? [a]\n: 1", ""),
    ("key: \x01", ""),
    ('key: "\\0"', "/key"),
]


@pytest.mark.parametrize(("text", "place"), BAD_TEXTS)
def test_yaml_that_json_could_not_say_is_refused(text: str, place: str) -> None:
    assert pointers(text) == [place]


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [*{last}, *{last}, *{last}]" for last, name in zip("abcdefgh", "bcdefghi", strict=True)]
    assert pointers("\n".join(lines)) == ["/a"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: small(channels=["web"] * 1_000_000),
        lambda: small(calendars={"working": {"time_zone": "UTC", "weekly": {"mon": [["09:00", "10:00"]] * 100_000}}}),
        lambda: small(targets={f"p{number}": {} for number in range(30_000)}),
        lambda: SMALL + "#" * 600_000,
        lambda: "[" * 100_000,
        lambda: "x: [" + "1," * 100_000 + "]",
    ],
    ids=["channels", "windows", "targets", "text", "deep", "long"],
)
def test_what_is_too_large_is_refused_with_one_fault(make: Callable[[], Any]) -> None:
    assert len(pointers(make())) == 1


def test_text_that_the_database_cannot_store_is_refused() -> None:
    assert pointers(small(name={"en": "a\x00b"})) == ["/name/en"]
    assert pointers(small(programme={"en": "a\ud800"})) == ["/programme/en"]


def test_yaml_takes_times_and_dates_as_text() -> None:
    text = SMALL.replace('"13:00", "18:00"', "13:00, 18:00").replace(
        "calendars:", "calendars:\n  other: {time_zone: UTC, weekly: {}, holidays: {dates: [2026-12-25]}}", 1
    )
    assert pointers(text) == ["/calendars/other/weekly"]


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from(["hot", "cold"]), min_size=3, max_size=3), min_size=3, max_size=3),
    urgency=st.sampled_from(["high", "medium", "low"]),
    impact=st.sampled_from(["large", "medium", "small"]),
)
def test_z1_the_matrix_answers_with_the_cell_of_urgency_and_impact(
    rows: list[list[str]], urgency: Any, impact: Any
) -> None:
    urgencies, impacts = ("high", "medium", "low"), ("large", "medium", "small")
    matrix = {key: dict(zip(impacts, row, strict=True)) for key, row in zip(urgencies, rows, strict=True)}
    plan = parse(small(matrix=matrix))
    assert plan.matrix_priority(impact, urgency) == rows[urgencies.index(urgency)][impacts.index(impact)]
    assert plan.matrix_priority(None, urgency) is None
    assert plan.matrix_priority(impact, None) is None


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def leads_into(data: Any, pointer: str) -> bool:
    """Whether a pointer names a part of the data, or a member that one of its objects is without."""
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]
    for step in steps[1:]:
        data = data[int(step)] if isinstance(data, list) else data.get(step)
    return pointer == "" or isinstance(data, dict) or (isinstance(data, list) and int(last) < len(data))


@settings(deadline=None)
@given(value=JSON, field=st.sampled_from(sorted(PlanDocument.model_fields)))
@example(value=[-(2**63) - 1], field="top_tier")
def test_any_value_anywhere_is_taken_or_refused_where_it_stands_never_an_error(value: Any, field: str) -> None:
    data = small(**{field: value})
    told: list[Fault] = []
    try:
        parse(data)
    except Invalid as refused:
        told = refused.errors
    assert all(leads_into(data, fault["pointer"]) for fault in told)


def test_targets_of_acknowledgements_and_calls_come_from_their_own_parts() -> None:
    plan = parse(
        small(
            escalation={"reasons": [], "acknowledge": "PT15M"},
            alert={"accept": "PT5M"},
            call={"priorities": ["hot"], "providers": ["meet"]},
        )
    )
    acks = [plan.target("hot", metric) for metric in ("escalation_ack", "alert_ack", "call_join")]
    assert [(ack.duration.total_seconds() / 60, ack.calendar) for ack in acks if ack and ack.duration] == [
        (15, "24x7"),
        (5, "24x7"),
        (30, "24x7"),
    ]
    assert plan.target("cold", "resolution") is None


def test_priorities_rank_from_the_most_urgent() -> None:
    plan = parse_yaml(SMALL)
    assert (plan.priority_keys, plan.top) == (("hot", "cold"), "hot")
    assert (plan.raised("cold"), plan.raised("hot")) == ("hot", "hot")
    assert plan.rank("cold") == 1


def test_n2_addons_add_tiers_and_unknown_ones_nothing() -> None:
    plan = parse(small(addons={"hybrid": {"tiers": 3}, "tam": {"notify_tam": True}}))
    assert [plan.effective_tiers(addons) for addons in ([], ["tam"], ["hybrid", "x"])] == [1, 1, 3]
    assert [plan.tells_tam(addons) for addons in (["hybrid"], ["tam", "x"])] == [False, True]


def test_c20_rounds_of_paging_are_as_far_apart_as_the_plan_says_by_default_as_long_as_an_expert_has_to_accept() -> None:
    minutes = {"PT5M": 5, "PT10S": 1}
    for accept, expected in minutes.items():
        assert parse(small(alert={"accept": accept})).page_again_after == timedelta(minutes=expected)
    assert parse(small(alert={"accept": "PT5M", "repeat": "PT1M"})).page_again_after == timedelta(minutes=1)


def test_a_document_that_does_not_name_newer_members_keeps_its_hash() -> None:
    """An upgrade must not make new versions of plans that say the same, nor pass over an operator's own version."""
    plain = parse(small(alert={"accept": "PT5M"}))
    assert plain.canonical()["alert"] == {"accept": "PT5M"}
    assert set(plain.canonical()["routing"]) == {"tiers", "exclusive", "follow_the_sun"}
    said = parse(small(alert={"accept": "PT5M", "repeat": "PT5M"}, routing={"max_experts": 2}))
    assert (said.canonical()["alert"]["repeat"], said.canonical()["routing"]["max_experts"]) == ("PT5M", 2)
    assert parse(said.canonical()) == said
    assert parse(plain.canonical()) == plain


def test_a_key_that_has_been_renamed_is_refused_by_the_name_of_its_successor() -> None:
    call = {"priorities": ["hot"], "providers": ["jitsi"], "join_from": "PT5M"}
    [fault] = faults(small(call=call))
    assert (fault["pointer"], fault["detail"]) == ("/call/join_from", "The key `join_from` is called `remind`.")
    [fault] = faults(small(join_from="PT5M"))
    assert "remind" not in fault["detail"]


@pytest.mark.parametrize("section", ["waiting", "call", "alert", "escalation", "matrix", "trial"])
def test_null_stands_for_a_section_that_is_left_out(section: str) -> None:
    assert parse(small(**{section: None})) == parse(small())
