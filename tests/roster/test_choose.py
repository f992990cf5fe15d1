"""Who takes a ticket: by which criteria, who is left out, and when somebody comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS, Calendar, CalendarSpec
from app.roster.choose import Expert, Need, Roster, choose, next_available, on_duty, shift_end

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
SUN: Final = ("apac", "emea", "americas")
NEED: Final = Need("tkt_1")


def daily(opens: int, closes: int, zone: str = "UTC") -> Calendar:
    return Calendar(CalendarSpec(zone, dict.fromkeys(range(7), ((opens * 60, closes * 60),))))


DAY: Final = daily(9, 17)
NIGHT: Final = daily(17, 24)


def expert(name: str, **fields: Any) -> Expert:
    return replace(Expert(name, ALWAYS), **fields)


def order(need: Need, *experts: Expert) -> list[tuple[str, bool, str]]:
    found = choose(need, Roster(experts, SUN), NOON)
    return [(each.engineer_id, each.taken, each.reason) for each in found.candidates]


@pytest.mark.parametrize(
    ("need", "worse", "why"),
    [
        (Need("t", present="b"), {}, "present"),
        (Need("t", leaving="apac"), {"region": "apac"}, "region"),
        (Need("t", leaving="emea"), {"region": "emea"}, "region"),
        (Need("t", leaving="apac"), {}, "region"),
        (Need("t", preferred=("b",)), {}, "preferred"),
        (Need("t", product="backup"), {}, "product"),
        (Need("t", product="backup"), {"products": frozenset({"mail"})}, "product"),
        (NEED, {"tier": 2}, "tier"),
        (Need("t", tier=2), {"tier": 1}, "tier"),
        (Need("t", language="pl"), {"languages": frozenset({"en"})}, "language"),
        (NEED, {"load": 2}, "load"),
        (NEED, {"calendar": DAY}, "shift"),
    ],
)
def test_each_criterion_decides(need: Need, worse: dict[str, Any], why: str) -> None:
    better = {"region": "americas", "products": frozenset({"backup"}), "languages": frozenset({"pl"}), "load": 1}
    loser = expert("a", **better | worse | ({"region": None} if (why, worse) == ("region", {}) else {}))
    if why == "product" and not worse:
        loser = replace(loser, products=frozenset())
    winner = expert("b", **better | ({"tier": 3} if need.tier == 2 else {}))
    assert order(need, loser, winner) == order(need, winner, loser) == [("b", True, why), ("a", False, why)]


def test_a_tie_is_stable_and_one_alone_says_so() -> None:
    assert order(NEED, expert("b"), expert("a")) == [("a", True, "id"), ("b", False, "id")]
    assert order(NEED, expert("a")) == [("a", True, "only")]
    assert choose(NEED, Roster(()), NOON) == choose(NEED, Roster((), SUN), NOON)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"active": False}, "inactive"),
        ({"region": "emea"}, "other_region"),
        ({"absences": ((NOON, NOON + HOUR),)}, "absent"),
        ({"calendar": NIGHT}, "off_shift"),
        ({"calendar": daily(8, 12)}, "off_shift"),
        ({"held_for": "tkt_2"}, "held"),
        ({"load": 5}, "full"),
    ],
)
def test_what_hinders(fields: dict[str, Any], why: str) -> None:
    need = Need("tkt_1", region_lock="apac" if why == "other_region" else None, exclusive=False)
    assert order(need, expert("a", **fields)) == [("a", False, why)]


def test_who_was_tried_is_left_out_and_exclusive_work_comes_before_other_work() -> None:
    assert order(Need("t", tried=frozenset("a")), expert("a")) == [("a", False, "tried")]
    assert order(NEED, expert("a", load=9, held_for="tkt_1")) == [("a", True, "only")]
    assert order(NEED, expert("a", absences=((NOON - HOUR, NOON),))) == [("a", True, "only")]


def test_g7_the_next_region_that_is_staffed_comes_first_and_the_own_one_last() -> None:
    experts = [expert(key, region=key) for key in SUN]
    found = [name for name, _, _ in order(Need("t", leaving="apac"), *experts)]
    assert found == ["emea", "americas", "apac"]
    without = [replace(each, active=each.region != "emea") for each in experts]
    assert order(Need("t", leaving="apac"), *without)[0] == ("americas", True, "region")


def test_a_shift_ends_with_its_window_or_an_absence() -> None:
    assert shift_end(expert("a"), NOON) is None
    assert shift_end(expert("a", calendar=DAY), NOON) == NOON + 5 * HOUR
    assert shift_end(expert("a", calendar=NIGHT), NOON) == NOON + 12 * HOUR
    away = ((NOON + HOUR, NOON + 2 * HOUR),)
    assert shift_end(expert("a", absences=away), NOON) == NOON + HOUR
    assert shift_end(expert("a", calendar=DAY, absences=away), NOON + HOUR) == NOON + 5 * HOUR
    assert shift_end(expert("a", absences=((NOON, datetime(2150, 1, 1, tzinfo=UTC)),)), NOON) is None


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2026, 10, 25, tzinfo=UTC), 10), (datetime(2026, 3, 29, tzinfo=UTC), 8)]
)
def test_a_shift_over_a_clock_change_is_as_long_as_it_is(day: datetime, hours: int) -> None:
    warsaw = daily(0, 9, "Europe/Warsaw")
    opens = day - (2 if hours == 10 else 1) * HOUR
    assert shift_end(expert("a", calendar=warsaw), opens) == opens + hours * HOUR


def test_somebody_comes_when_the_next_shift_of_anybody_eligible_begins() -> None:
    roster = Roster((expert("a", calendar=DAY, region="emea"), expert("b", calendar=NIGHT, region="apac"), expert("c")))
    assert next_available(None, roster, NOON) == NOON + 5 * HOUR
    assert next_available("emea", roster, NOON) == NOON + 21 * HOUR
    assert next_available("atlantis", roster, NOON) is None
    assert next_available(None, Roster((expert("c"),)), NOON) is None


hours = st.integers(0, 23).flatmap(lambda opens: st.tuples(st.just(opens), st.integers(opens + 1, 24)))
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  a zone is added
zones = st.sampled_from(["UTC", "Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
spans = st.tuples(instants, st.timedeltas(timedelta(minutes=1), timedelta(days=3))).map(lambda s: (s[0], s[0] + s[1]))
experts = st.builds(
    Expert,
    id=st.uuids().map(str),
    calendar=st.builds(lambda span, zone: daily(span[0], span[1], zone), hours, zones),
    region=st.sampled_from([*SUN, None]),
    tier=st.integers(1, 3),
    languages=st.frozensets(st.sampled_from(["en", "pl"])),
    products=st.frozensets(st.sampled_from(["backup", "mail"])),
    absences=st.lists(spans, max_size=3).map(tuple),
    active=st.sampled_from([True, True, False]),
    load=st.integers(0, 6),
    held_for=st.sampled_from([None, None, "tkt_1", "tkt_2"]),
)
needs = st.builds(
    Need,
    ticket_id=st.just("tkt_1"),
    tier=st.integers(1, 3),
    product=st.sampled_from([None, "backup"]),
    language=st.sampled_from([None, "pl"]),
    region_lock=st.sampled_from([None, None, "emea"]),
    leaving=st.sampled_from([None, *SUN]),
    exclusive=st.booleans(),
)


@given(needs, st.lists(experts, max_size=8), instants, st.randoms())
def test_a_choice_does_not_depend_on_the_order_of_the_roster(
    need: Need, roster: list[Expert], now: datetime, random: Any
) -> None:
    choice = choose(need, Roster(roster, SUN), now)
    shuffled = random.sample(roster, len(roster))
    assert choose(need, Roster(shuffled, SUN), now) == choice
    assert sorted(each.engineer_id for each in choice.candidates) == sorted(each.id for each in roster)
    assert [each.engineer_id for each in choice.candidates if each.taken] == [i for i in [choice.engineer_id] if i]


@given(needs, st.lists(experts, max_size=8), instants)
def test_who_is_taken_is_on_duty_and_free(need: Need, roster: list[Expert], now: datetime) -> None:
    taken = choose(need, Roster(roster, SUN), now).engineer_id
    able = [
        each
        for each in roster
        if on_duty(each, now)
        and each.held_for in (None, "tkt_1")
        and need.region_lock in (None, each.region)
        and (need.exclusive or each.load < each.capacity)
    ]
    assert (taken in {each.id for each in able}) == bool(able)
    assert taken is None or bool(able)


@given(experts, instants)
def test_a_shift_ends_when_the_duty_does(one: Expert, now: datetime) -> None:
    end = shift_end(one, now)
    if on_duty(one, now) and end:
        tick = timedelta(microseconds=1)
        assert on_duty(one, end - tick)
        assert not on_duty(one, end)
        assert all(on_duty(one, now + (end - now) * share / 7) for share in range(7))


@given(experts, instants)
def test_somebody_who_comes_is_on_duty_then_and_not_before(one: Expert, now: datetime) -> None:
    comes = next_available(None, Roster((one,)), now)
    if not one.active:
        assert comes is None
    elif comes:
        assert comes > now
        assert on_duty(one, comes)
        assert not on_duty(one, comes - timedelta(microseconds=1))
