from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

import pytest

from app.problems.alike.evidence import common_of, reason
from app.problems.alike.grouping import grouped, is_worth_telling
from app.problems.alike.incidents import Group, Incident
from app.problems.alike.likeness import belonging
from app.problems.alike.reading import terms_of
from app.problems.alike.weights import Weights

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
_LANGUAGES: Final = (
    ("Nobody can log in", "Since this morning SSO ends in a 502 for all users."),
    ("Connexion impossible", "Depuis ce matin personne ne peut se connecter, erreur 502 après l'authentification SSO."),
    ("No podemos iniciar sesión", "Desde esta mañana el SSO da error 502 a todos los usuarios."),
    ("SSO down?", "All our staff get bad gateway when they sign in."),
    ("Panne SSO", "Erreur 502 pour tous les utilisateurs, rien n'a changé chez nous."),
    ("Error 502 al entrar", "Ningún usuario puede entrar con SSO desde hoy."),
)


def incident(text: str, description: str = "", *, product: str = "reports", minute: float = 0) -> Incident:
    title = terms_of(text)
    return Incident(text, product, minute, frozenset(title), frozenset(title | terms_of(description)))


def weights(incidents: Iterable[Incident]) -> Weights:
    known = list(incidents)
    return Weights(len(known), Counter(term for each in known for term in each.terms))


def found(incidents: Sequence[Incident], *groups: Group) -> list[tuple[str | None, set[str]]]:
    members = [member for group in groups for member in group.members]
    new = [each.ticket_id for each in incidents]
    return [
        (group.key, {member.ticket_id for member in group.members})
        for group in grouped(groups, incidents, new, weights([*incidents, *members]))
    ]


def of(*texts: str) -> list[Incident]:
    return [incident(text, minute=minute) for minute, text in enumerate(texts)]


def test_tickets_of_one_incident_are_one_group_whatever_their_language() -> None:
    assert found(of(*_OTHERS, *_OUTAGE)) == [(None, set(_OUTAGE))]
    logins = [incident(*texts, product="account", minute=9 * n) for n, texts in enumerate(_LANGUAGES)]
    assert found([*of(*_OTHERS), *logins]) == [(None, {each.ticket_id for each in logins})]


@pytest.mark.parametrize(
    "texts",
    [
        (*_OTHERS, *_OUTAGE[:2]),
        ("Report is slow", "Report is wrong", "Report has no title", "Report for sales"),
        ("How do I export?", "Can we export to PDF?", "Is there an export of reports?", "Where is the PDF export?"),
        _OTHERS,
        (),
    ],
    ids=["two", "one thing", "questions", "nothing", "none"],
)
def test_what_is_not_enough_makes_no_group(texts: tuple[str, ...]) -> None:
    assert found(of(*texts)) == []


def test_two_outages_at_once_are_two_groups() -> None:
    logins = [incident(*texts, product="account", minute=4 * n) for n, texts in enumerate(_LANGUAGES)]
    both = found([*logins, *of(*_OUTAGE)])
    assert sorted(both, key=lambda each: len(each[1])) == [
        (None, set(_OUTAGE)),
        (None, {each.ticket_id for each in logins}),
    ]


def test_tickets_without_a_product_are_found_with_those_that_name_one() -> None:
    texts = [*_OUTAGE, *(f"{text} today" for text in _OUTAGE)]
    mixed = [incident(text, product="" if n % 2 else "reports", minute=n) for n, text in enumerate(texts)]
    assert found([*of(*_OTHERS), *mixed]) == [(None, set(texts))]


def test_tickets_of_different_products_begin_no_group() -> None:
    apart = [incident(text, product=f"product {n}", minute=n) for n, text in enumerate(_OUTAGE)]
    assert found([*of(*_OTHERS), *apart]) == []


def test_a_ticket_that_names_another_product_joins_a_group_in_the_same_words() -> None:
    texts = [*_OUTAGE, f"{_OUTAGE[0]} today"]
    named = [incident(text, product="reports", minute=n) for n, text in enumerate(_OUTAGE)]
    assert found([*of(*_OTHERS), *named, incident(texts[-1], product="billing", minute=9)]) == [(None, set(texts))]


def test_a_trickle_over_a_day_is_one_group() -> None:
    texts = [f"{text} {word}" for word in ("again", "here", "too") for text in _OUTAGE]
    trickle = [incident(text, minute=120 * n) for n, text in enumerate(texts)]
    groups: list[Group] = []
    free: list[Incident] = []
    for each in trickle:
        free.append(each)
        for group in grouped(groups, free, [each.ticket_id], weights(trickle)):
            if group not in groups:
                groups.append(group)
        members = {member.ticket_id for group in groups for member in group.members}
        free = [one for one in free if one.ticket_id not in members]
    assert [len(group.members) for group in groups] == [len(texts)]


def test_what_is_like_no_member_is_no_member_of_a_group_worded_nearly_alike() -> None:
    members, (other,) = of(*_OUTAGE), of("Nothing can be opened since 14:10, for all users")
    known = weights([*members, other])
    common = common_of(members, known)
    loose, also_loose, tight = (belonging(other, common, [0.0] * 4, within, known) for within in (1.0, 5.0, 12.0))
    assert loose == also_loose
    assert tight < loose - 2.5


def test_a_ticket_joins_the_group_that_it_is_like() -> None:
    exports = Group("prb_1", of(*_OUTAGE[:3]))
    logins = Group("prb_2", of(*(f"Login loop with SAML {place}" for place in ("again", "today", "here"))))
    joined = found(of(_OUTAGE[3], *_OTHERS), exports, logins)
    assert joined == [("prb_1", set(_OUTAGE))]


def test_a_group_takes_in_what_came_before_it() -> None:
    number = count()
    first = incident(_OUTAGE[3], minute=next(number))
    rest = [incident(text, minute=next(number)) for text in _OUTAGE[:3]]
    [group] = grouped([], [first, *rest], [rest[-1].ticket_id], weights([first, *rest]))
    assert {member.ticket_id for member in group.members} == set(_OUTAGE)


def test_a_chain_of_likenesses_is_no_group() -> None:
    texts = ("alpha beta gamma", "beta gamma delta", "delta epsilon zeta", "epsilon zeta theta", "theta kappa alpha")
    assert found(of(*texts)) == []


@pytest.mark.parametrize(
    ("alike", "others", "sizes"),
    [
        pytest.param(_OUTAGE[:3], 40, [3], id="a calm hour"),
        pytest.param(_OUTAGE[:3], 150, [], id="a busy hour"),
        pytest.param(_OUTAGE, 90, [], id="loosely alike among many"),
        pytest.param([f"{text} {n}" for text in _OUTAGE for n in ("", "today", "again")], 90, [12], id="many of them"),
        pytest.param([f"{text} for all, E-5030 since 9:00" for text in _OUTAGE[:3]], 150, [3], id="much alike"),
    ],
)
def test_the_more_tickets_come_at_once_the_more_make_a_group(
    alike: Sequence[str], others: int, sizes: list[int]
) -> None:
    assert [len(group.members) for group in among(others, alike)] == sizes


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(["E-5030 for all"], id="few words"),
        pytest.param(["E-5030", "E-5030 for all", "PDF, E-5030", "Export, E-5030"], id="more and more"),
    ],
)
def test_an_incident_that_is_told_of_in_other_words_too_stays_one(later: Sequence[str]) -> None:
    first = [f"{text} for all, E-5030 since 9:00" for text in _OUTAGE[:3]]
    for number in range(len(later) + 1):
        [group] = among(150, [*first, *later[:number]])
        assert {each.ticket_id for each in group.members} >= set(first)


def among(others: int, alike: Sequence[str]) -> Sequence[Group]:
    """What is found of these tickets, opened at once with so many others."""
    crowd = [incident(f"{_letters(n)} and {_letters(n + 700)}") for n in range(others)]
    opened = [*crowd, *map(incident, alike)]
    known = Weights(
        len(opened), Counter(term for each in opened for term in each.terms), [(0, each.product) for each in opened]
    )
    return grouped([], opened, [each.ticket_id for each in opened], known)


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(3)) * 2


def test_the_reason_is_what_the_tickets_share() -> None:
    members = of(*_OUTAGE)
    spelt = {term: word for text in reversed(_OUTAGE) for term, word in terms_of(text).items()}
    assert set(reason(members, weights([*members, *of(*_OTHERS)]), spelt)[:3]) == {"export", "pdf", "timeout"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(0, 3, True), (3, 4, False), (5, 6, True), (6, 11, False), (11, 13, True), (0, 25, True), (2, 2, False)],
)
def test_a_suggestion_is_told_when_it_has_doubled(before: int, after: int, *, told: bool) -> None:
    assert is_worth_telling(before, after) is told
