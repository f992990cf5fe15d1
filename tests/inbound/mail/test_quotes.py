"""What is written in a reply, by forty bodies as readers of mail shape them."""

import pytest

from app.core.clock import monotonic
from app.inbound.mail.quotes import MOST, written_in
from tests.inbound.mail.bodies import REPLIES


@pytest.mark.parametrize("name", REPLIES)
def test_what_is_quoted_and_the_signature_are_cut(name: str) -> None:
    text, written = REPLIES[name]
    assert written_in(text) == written


def test_what_somebody_forwards_stays_but_for_an_engineers() -> None:
    text = "See below.\n\n---------- Forwarded message ---------\nFrom: a@example.com\nDate: now\nSubject: x\n\nHi"
    assert written_in(text) == ""
    assert written_in(text, forwards=False).startswith("See below.")
    assert "Hi" not in written_in(text.replace("Forwarded message", "Original Message"))


@pytest.mark.parametrize(
    "evil", ["\n", "> ", "On 1 ", "On 1\n", "From: a\nTo: b\n", "--\n", "a\n\n" + "_" * 40, " \n>"]
)
def test_no_body_takes_long(evil: str) -> None:
    began = monotonic()
    written_in((evil * MOST)[:MOST])
    assert monotonic() - began < 5
