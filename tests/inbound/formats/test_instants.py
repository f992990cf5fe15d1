"""Instants of senders are compared as instants, however they are written."""

from itertools import pairwise

import pytest

from app.inbound.formats.instants import is_before, is_same, nanoseconds_of


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T10:00:00Z",
        "2026-11-25t10:00:00z",
        "2026-11-25T11:00:00+01:00",
        "2026-11-25T11:00:00+0100",
        "2026-11-25T11:00:00+01",
        "2026-11-25T04:30:00-05:30",
        "2026-11-25T10:00:00.000Z",
        "2026-11-25T10:00:00,0Z",
        "2026-11-25T10:00:00.000000000+00:00",
        "2026-11-25T10:00:00.0000000000000001Z",
        "2026-11-25T10:00Z",
        "2026-11-25 10:00:00+00:00",
        "2026-11-25 10:00:00 UTC",
        "2026-11-25 10:00:00 +0000 UTC",
        "2026-11-25T10:00:00",
        "20261125T100000Z",
        "2026-11-25T09:59:60Z",
        "1795600800",
        "1795600800.0",
        "1795600800000",
        "1795600800000000",
        "1795600800000000000",
    ],
)
def test_one_instant_has_many_texts(text: str) -> None:
    assert nanoseconds_of(text) == 1_795_600_800_000_000_000
    assert is_same(text, "2026-11-25T10:00:00Z")


def test_instants_are_told_apart_to_the_nanosecond() -> None:
    rising = [
        "1969-12-31T23:59:59.999Z",
        "2026-11-25T10:00:00.000000001Z",
        "2026-11-25T11:00:00.000000002+01:00",
        "1795600800.000000003",
        "1795600800000.000004",
        "2026-11-25T10:00:00.1Z",
        "2026-11-25T10:00:00.11z",
        "9999-12-31T23:59:59-23:59",
    ]
    assert all(is_before(one, other) and not is_same(one, other) for one, other in pairwise(rising))
    assert not any(is_before(other, one) for one, other in pairwise(rising))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0",
        "7",
        "yesterday",
        "10:00:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "2026-13-01T00:00:00Z",
        "2026-11-25T25:00:00Z",
        "٢٠٢٦-11-25T10:00:00Z",
        "9" * 64,
    ],
)
def test_what_is_no_instant_is_neither_before_nor_after_one(text: str | None) -> None:
    assert nanoseconds_of(text) is None
    assert not is_before(text, "2026-11-25T10:00:00Z")
    assert not is_before("1970-01-01T00:00:00Z", text)
    assert is_same(text, text)
    assert not is_same(text, "2026-11-25T10:00:00Z")
