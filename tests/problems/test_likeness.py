from collections import Counter
from typing import Final

import pytest

from app.problems.likeness import Group, Incident, Weights, grouped, is_worth_telling, reason, words_of

_OUTAGE: Final = (
    "Export to PDF ends with a timeout",
    "PDF exports time out",
    "Timeout when exporting the report as PDF",
    "La exportación a PDF termina con timeout",
)
_OTHERS: Final = (
    "How do I change my password?",
    "Invoice of March is missing",
    "Please add a colleague to our team",
    "Chart colours",
)


def incident(text: str) -> Incident:
    words = frozenset(words_of(text))
    return Incident(text, words, words)


def weights(*texts: str) -> Weights:
    return Weights(len(texts), Counter(word for text in texts for word in words_of(text)))


def found(*texts: str, groups: tuple[Group, ...] = ()) -> list[tuple[str | None, set[str]]]:
    incidents = [incident(text) for text in texts]
    return [
        (group.key, {member.ticket_id for member in group.members})
        for group in grouped(groups, incidents, weights(*texts))
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("exportación", "exportaciones"),
        ("exportación", "exports"),
        ("Certyfikat wygasł", "certificate expired"),
        ("kontakty", "contactos"),
        ("Łączność", "LACZNOSC"),
        ("rechnungen", "faktury"),
    ],
)
def test_forms_accents_and_languages_of_a_word_are_one(one: str, other: str) -> None:
    assert words_of(one).keys() == words_of(other).keys()


def test_a_code_is_only_itself() -> None:
    assert words_of("E-5041 and E-5042 in v2.1").keys() == {"e-5041", "e-5042", "and", "v2.1"}


def test_tickets_that_are_alike_are_one_group_whatever_their_language() -> None:
    assert found(*_OTHERS, *_OUTAGE) == [(None, set(_OUTAGE))]


@pytest.mark.parametrize(
    "texts",
    [
        (*_OTHERS, *_OUTAGE[:2]),
        ("Report is slow", "Report is wrong", "Report has no title", "Report for sales"),
        _OTHERS,
        (),
    ],
    ids=["two", "one word", "nothing", "none"],
)
def test_what_is_not_enough_makes_no_group(texts: tuple[str, ...]) -> None:
    assert found(*texts) == []


def test_a_ticket_joins_the_group_that_it_is_like() -> None:
    exports = Group("prb_1", [incident(text) for text in _OUTAGE[:3]])
    logins = Group("prb_2", [incident(f"Login loop with SAML {place}") for place in ("again", "today", "here")])
    joined = found(_OUTAGE[3], *_OTHERS, groups=(exports, logins))
    assert joined == [("prb_1", set(_OUTAGE))]


def test_a_chain_of_likenesses_is_no_group() -> None:
    texts = ("alpha beta gamma", "beta gamma delta", "delta epsilon zeta", "epsilon zeta theta", "theta kappa alpha")
    assert found(*texts) == []


def test_the_reason_is_what_the_tickets_share() -> None:
    members = [incident(text) for text in _OUTAGE]
    spelt = {stem: word for text in reversed(_OUTAGE) for stem, word in words_of(text).items()}
    assert reason(members, weights(*_OUTAGE, *_OTHERS), spelt)[:3] == ["export", "pdf", "timeout"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(0, 3, True), (3, 4, False), (5, 6, True), (6, 11, False), (11, 13, True), (0, 25, True), (2, 2, False)],
)
def test_a_suggestion_is_told_when_it_has_doubled(before: int, after: int, *, told: bool) -> None:
    assert is_worth_telling(before, after) is told
