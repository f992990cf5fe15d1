"""What people read of a deadline: every language has every word, and inserts what it is given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from app.core.text.language import LANGUAGES, Language
from app.core.text.messages import authored
from app.core.text.phrases import business_days, exact_length, length, moment
from app.plans.document.names import METRICS
from app.plans.document.naming import Names
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import METRICS as ALL_METRICS
from app.sla.explain.segments import Move, explain
from app.sla.explain.texts import MAX_MOVES, Reader, told
from tests.sla.kit import HOUR, OPENED, TERMS, Story, at

NEW_YORK: Final = ZoneInfo("America/New_York")
EVERY_LANGUAGE: Final = pytest.mark.parametrize("language", LANGUAGES)
NAMES: Final = Names(authored({"en": "Desk"}), {"P1": authored({"en": "P1: urgent"})})


def plain(text: str) -> str:
    """With plain spaces: the CLDR has others."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def text_of(deadline: Deadline, now: float, moves: list[Move], language: Language = "en") -> str:
    return plain(told(explain(deadline, TERMS, at(now)), moves, NAMES, 3, Reader(NEW_YORK, language)))


def test_every_metric_has_a_name() -> None:
    assert set(METRICS) == set(ALL_METRICS)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Sunday, November 1, 2026 at 1:30 AM (UTC-05:00)"),
        ("es", "domingo, 1 de noviembre de 2026 a la 1:30 (UTC-05:00)"),
        ("fr", "dimanche 1er novembre 2026 à 01:30 (UTC-05:00)"),
        ("de", "Sonntag, 1. November 2026 um 01:30 Uhr (UTC-05:00)"),
        ("pl", "niedziela, 1 listopada 2026, godz. 01:30 (UTC-05:00)"),
    ],
)
def test_a_moment_that_the_clocks_show_twice_has_its_offset(language: Language, expected: str) -> None:
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert plain(moment(second, NEW_YORK, language)) == expected
    assert plain(moment(second - HOUR, NEW_YORK, language)) == expected.replace("05:00)", "04:00)")


def test_other_moments_have_none() -> None:
    assert plain(moment(datetime(2026, 11, 20, 20, 30, 59, tzinfo=UTC), NEW_YORK, "es")) == (
        "viernes, 20 de noviembre de 2026 a las 15:30"
    )


@pytest.mark.parametrize(
    ("span", "language", "expected"),
    [
        (timedelta(hours=2, minutes=3, seconds=4), "en", "2 hours and 3 minutes"),
        (timedelta(minutes=59, seconds=1), "en", "59 minutes and 1 second"),
        (timedelta(0), "es", "0 segundos"),
        (timedelta(microseconds=1), "fr", "moins d'une seconde"),
        (timedelta(hours=22, minutes=1), "pl", "22 godziny i 1 minuta"),
        (timedelta(hours=25), "pl", "25 godzin"),
        (timedelta(hours=8000), "en", "8,000 hours"),
    ],
)
def test_a_length_is_as_exact_as_people_need(span: timedelta, language: Language, expected: str) -> None:
    assert plain(length(span, language)) == expected


def test_a_promise_is_told_exactly() -> None:
    assert exact_length(timedelta(hours=1, minutes=1, seconds=2.5), "en") == "1 hour, 1 minute, and 2.5 seconds"
    assert [business_days(count, "pl") for count in (1, 3, 5)] == [
        "1 dzień roboczy",
        "3 dni robocze",
        "5 dni roboczych",
    ]
    assert [business_days(count, "fr") for count in (1, 2)] == ["1 jour ouvré", "2 jours ouvrés"]


@EVERY_LANGUAGE
def test_every_state_is_told(language: Language) -> None:
    running = Story(TERMS).last("resolution")
    ended = {
        "met": replace(running, state="met", ended_at=at(1)),
        "met_late": replace(running, state="met_late", missed_at=running.due_at, ended_at=at(30)),
        "missed": replace(running, state="missed", missed_at=running.due_at),
        "cancelled": replace(running, state="cancelled", ended_at=at(1), reason="withdrawn"),
        "paused": replace(running, state="paused", due_at=None),
        "running": running,
    }
    texts = {
        state: text_of(deadline, 31 if deadline.missed_at else 1, [], language) for state, deadline in ended.items()
    }
    assert len(set(texts.values())) == len(texts)
    assert all("{" not in text and "None" not in text for text in texts.values())


def test_only_the_newest_moves_are_told() -> None:
    running = Story(TERMS).last("resolution")
    moves = [Move("moved", at(n), at(n), at(n + 1), "priority_raised", {}) for n in range(MAX_MOVES + 2)]
    text = text_of(running, 1, [Move("started", at(0), None, at(9), None, {}), *moves])
    assert text.count("the due time moved from") == MAX_MOVES
    assert moment(at(MAX_MOVES + 2), NEW_YORK, "en").replace("\u202f", " ") in text


def test_a_withdrawn_escalation_is_no_withdrawn_ticket() -> None:
    asked = Deadline("escalation_ack", 1, "P2", OPENED, Story(TERMS).last("resolution").spans, fixed=HOUR, due_at=at(1))
    gone = replace(asked, state="cancelled", ended_at=at(0.5), reason="withdrawn")
    assert "because the escalation was withdrawn." in text_of(gone, 2, [])
    assert "because it was no longer needed." in text_of(replace(gone, reason="something_new"), 2, [])
