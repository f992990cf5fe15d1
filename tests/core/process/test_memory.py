from app.core.process.memory import Memory


def test_a_thing_is_recalled_by_its_kind_and_key() -> None:
    memory = Memory()
    assert memory.keep(("a", 1), "text") == "text"
    assert memory.recall(str, ("a", 1)) == "text"
    assert memory.recall(int, ("a", 1)) is None
    assert memory.recall(str, ("a", 2)) is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    memory = Memory(size=2)
    memory.keep(1, "one")
    memory.keep(2, "two")
    memory.recall(str, 1)
    memory.keep(3, "three")
    assert [memory.recall(str, key) for key in (1, 2, 3)] == ["one", None, "three"]


def test_many_things_of_one_kind_push_out_none_of_another() -> None:
    memory = Memory(size=2)
    memory.keep(1, "one")
    for number in range(10):
        memory.keep(number, 0.5)
    assert memory.recall(str, 1) == "one"
    assert [number for number in range(10) if memory.recall(float, number)] == [8, 9]
