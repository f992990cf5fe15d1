from app.core.outgoing.via import MAX_HOPS, read_via, refusal, write_via


def test_a_way_is_read_as_it_was_written() -> None:
    way = ("inst_a", "inst_b", "inst_a")
    assert read_via(write_via(way)) == way
    assert read_via(None) == read_via("") == read_via(" , ,") == ()
    assert read_via("inst_a,inst_b ,  Not an id, \x00, " + "x" * 41) == ("inst_a", "inst_b")


def test_once_through_this_installation_is_well_and_twice_is_a_loop() -> None:
    assert refusal(("a", "b", "c"), "a") is None
    assert "2 times" in str(refusal(("a", "b", "a"), "a"))
    assert refusal(("a", "b", "a"), "b") is None


def test_a_way_has_an_end_even_where_nobody_comes_twice() -> None:
    assert refusal([f"inst_{number}" for number in range(MAX_HOPS)], "own") is None
    assert "more than 16" in str(refusal([f"inst_{number}" for number in range(MAX_HOPS + 1)], "own"))
