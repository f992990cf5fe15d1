from hypothesis import given, settings
from hypothesis import strategies as st

from app.feed.watermark import PREPARED, Watermark

STEPS = st.lists(st.tuples(st.sampled_from(["begin", "write", "end", "last", "poll"]), st.integers(0, 4)), max_size=60)


def _position(*polls: tuple[int, set[str]]) -> int | None:
    watermark = Watermark()
    for last, writers in polls:
        watermark.advance(last, writers)
    return watermark.position


def test_with_nobody_writing_all_is_decided() -> None:
    assert _position((7, set())) == 7


def test_nothing_is_known_while_those_of_the_first_poll_write() -> None:
    assert _position((7, {"a"}), (9, {"a", "b"})) is None


def test_what_a_poll_saw_is_decided_once_its_writers_have_ended() -> None:
    assert _position((7, {"a"}), (9, {"b"})) == 7
    assert _position((7, {"a"}), (9, {"b"}), (9, {"b", "c"})) == 7
    assert _position((7, {"a"}), (9, {"b"}), (9, {"c"})) == 9


def test_an_empty_feed_is_decided_once_its_first_writers_have_ended() -> None:
    assert _position((0, {"a"}), (0, {"b"})) == 0


def test_an_event_waits_only_for_those_who_wrote_when_it_was_first_seen() -> None:
    assert _position((7, {"a"}), (8, {"a", "b"}), (9, {"b", "c"}), (9, {"c"})) == 8


def test_one_who_writes_for_long_holds_what_came_later_too() -> None:
    polls = [(7 + number, {"a", str(number)}) for number in range(200)]
    assert _position((5, set()), *polls) == 5
    assert _position((5, set()), *polls, (206, {"b"})) == 206


def test_a_prepared_transaction_may_be_any_of_them() -> None:
    assert _position((5, set()), (7, {"a"}), (9, {PREPARED}), (9, {PREPARED, "b"})) == 5
    assert _position((5, set()), (7, {"a"}), (9, {PREPARED}), (9, set())) == 9


def test_a_history_that_went_back_is_another_one() -> None:
    assert _position((7, set()), (5, {"a"})) is None
    assert _position((7, set()), (5, {"a"}), (6, set())) == 6


def test_whose_end_is_waited_for() -> None:
    watermark = Watermark()
    assert watermark.advance(7, {"a"})
    assert not watermark.advance(8, {"a", "b"})
    assert watermark.writers == {"a"}
    assert watermark.advance(8, set())
    assert not watermark.writers


@settings(deadline=None)  # the machine may be busy
@given(STEPS)
def test_no_transaction_in_progress_has_a_position_up_to_the_watermark(steps: list[tuple[str, int]]) -> None:
    """Five writers at most, any order of their steps; a poll reads ``last`` first, and the writers some steps later."""
    watermark, last, read = Watermark(), 0, 0
    writing: dict[int, list[int]] = {}
    born = 0
    names: dict[int, str] = {}
    for step, who in steps:
        if step == "begin" and who not in writing:
            born += 1
            writing[who], names[who] = [], str(born)
        elif step == "write" and who in writing:
            last += 1
            writing[who].append(last)
        elif step == "end":
            writing.pop(who, None)
        elif step == "last":
            read = last
        elif step == "poll":
            watermark.advance(read, {names[each] for each in writing})
            undecided = [position for positions in writing.values() for position in positions]
            assert watermark.position is None or watermark.position < min(undecided, default=last + 1)
