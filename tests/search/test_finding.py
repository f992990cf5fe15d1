"""What is said of an answer that holds as many texts as are ranked."""

import pytest

from app.search.finding import FEW, _is_cut


@pytest.mark.parametrize(
    ("whole", "near", "is_cut"), [(0, FEW, True), (0, FEW - 1, False), (1, FEW, False)], ids=["cut", "all", "whole"]
)
def test_texts_with_any_of_the_words_may_be_more_than_are_ranked(whole: int, near: int, *, is_cut: bool) -> None:
    assert _is_cut([{}] * whole, [{}] * near) is is_cut
