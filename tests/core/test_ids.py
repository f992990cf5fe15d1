"""Ids sort by the time of their making, and some of them are secrets too."""

from itertools import pairwise

from app.core.ids import ID_PATTERN, new_id, unguessable_id

_LOW = "0123456789abcdefghjkmnpqrstvwxyz"


def _number(made: str) -> int:
    number = 0
    for digit in made.partition("_")[2]:
        number = number * 32 + _LOW.index(digit)
    return number


def test_ids_have_their_form_and_sort_by_their_time() -> None:
    for make in (new_id, unguessable_id):
        made = [make("hook") for _ in range(100)]
        assert all(ID_PATTERN.fullmatch(each) for each in made)
        assert len(set(made)) == 100
        assert [_number(each) >> 80 for each in made] == sorted(_number(each) >> 80 for each in made)


def test_an_unguessable_id_does_not_follow_from_the_one_before() -> None:
    made = [_number(unguessable_id("hook")) & (1 << 62) - 1 for _ in range(100)]
    steps = [after - before >> 32 for before, after in pairwise(made)]
    assert len(set(steps)) > 90
