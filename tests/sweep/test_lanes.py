from app.core.jobs.fair_turns import Turns
from app.sweep.lanes import Pace, heavy


def test_an_account_that_fills_more_than_a_quarter_of_a_full_batch_is_heavy() -> None:
    assert heavy("AAABBCDE", 8) == {"A"}
    assert heavy("AABBCCDD", 8) == set()
    assert heavy("AAAABBBB", 8) == {"A", "B"}


def test_nobody_is_heavy_where_a_batch_is_not_full() -> None:
    assert heavy("AAAA", 8) == set()
    assert heavy("", 8) == set()


def test_a_batch_becomes_as_large_as_its_time_allows_but_never_more_than_twice_the_one_before() -> None:
    pace = Pace(0.05, least=50, most=500)
    sizes = [pace.size]
    for _ in range(20):
        pace.note(pace.size, pace.size * 0.0002)  # 250 tickets in 50 ms
        sizes.append(pace.size)
    assert sizes[:2] == [50, 100]
    assert sizes == sorted(sizes)
    assert 240 <= sizes[-1] <= 250


def test_a_batch_has_its_least_and_its_most() -> None:
    slow, fast = Pace(0.05, least=50, most=500), Pace(0.05, least=50, most=500)
    for _ in range(10):
        slow.note(slow.size, slow.size * 0.1)
        fast.note(fast.size, fast.size * 0.000001)
    assert (slow.size, fast.size) == (50, 500)


def test_a_small_batch_says_nothing_of_a_large_one() -> None:
    pace = Pace(0.05, least=50, most=500)
    pace.note(50, 0.01)
    before = pace.size
    pace.note(1, 0.05)
    assert pace.size == before == 100


def test_where_claims_take_long_batches_are_larger() -> None:
    pace = Pace(0.05, least=1, most=500)
    for _ in range(30):
        pace.note(pace.size, pace.size * 0.001, beside=0.03)
    assert 100 <= pace.size <= 120  # 0.12 s, four times what is beside it


def test_what_fails_is_halved_down_to_one_and_grows_again() -> None:
    pace = Pace(0.05, least=50, most=500)
    sizes = []
    for _ in range(7):
        pace.halve()
        sizes.append(pace.size)
    assert sizes == [25, 12, 6, 3, 1, 1, 1]
    for _ in range(8):
        pace.note(pace.size, pace.size * 0.0005)
    assert pace.size >= 50


def test_whoever_has_taken_least_time_is_next() -> None:
    turns = Turns()
    for name in "AB":
        turns.join(name)
    order = []
    for _ in range(9):
        chosen = turns.next()
        assert chosen
        order.append(chosen)
        turns.charge(chosen, 4.0 if chosen == "A" else 1.0)
    assert order.count("A") == 2
    assert order[:6] == ["A", "B", "B", "B", "B", "A"]


def test_who_comes_later_is_not_given_a_lead() -> None:
    turns = Turns()
    turns.join("A")
    turns.charge("A", 60.0)
    turns.join("B")
    turns.charge("B", 1.0)
    assert turns.next() == "A"


def test_who_has_left_has_no_turn() -> None:
    turns = Turns()
    turns.join("A")
    turns.leave("A")
    turns.charge("A", 1.0)
    assert not turns
    assert turns.names == frozenset()


def test_whoever_has_a_turn_gets_another_only_where_all_have_one() -> None:
    turns = Turns()
    for name in "AB":
        turns.join(name)
    assert [turns.next(), turns.next(), turns.next({"A"})] == ["A", "B", "B"]
    turns.charge("A", 60.0)
    assert turns.next() == "A"
    assert turns.next({"A", "B"}) is None
