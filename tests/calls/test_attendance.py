import pytest

from app.calls.attendance import customer_among
from app.calls.providers.provider import Participant

ENGINEERS = ["Eva Kowalska", "Noor Haddad"]


@pytest.mark.parametrize(
    ("participants", "customer"),
    [
        ([], False),
        ([Participant("Eva Kowalska", signed_in=True)], False),
        ([Participant("  eva  KOWALSKA ", signed_in=True), Participant("Noor Haddad", signed_in=True)], False),
        ([Participant("Eva Kowalska", signed_in=False)], True),
        ([Participant("", signed_in=False)], True),
        ([Participant("Ana Silva", signed_in=True)], True),
        ([Participant("Eva Kowalska", signed_in=True), Participant("+34 91…", signed_in=False)], True),
    ],
)
def test_whoever_is_not_signed_in_as_an_engineer_is_the_customer(
    participants: list[Participant], *, customer: bool
) -> None:
    assert customer_among(participants, ENGINEERS) is customer
