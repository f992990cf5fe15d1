from app.calls.providers.hosts import Hosts


def test_the_one_who_made_the_fewest_is_taken() -> None:
    hosts = Hosts(["a", "b", "c"])
    assert [hosts.take(0) for _ in range(7)] == ["a", "b", "c", "a", "b", "c", "a"]


def test_what_was_made_a_minute_ago_no_longer_counts() -> None:
    hosts = Hosts(["a", "b"], per_minute=2)
    assert [hosts.take(at) for at in (0, 1, 2, 3, 4)] == ["a", "b", "a", "b", None]
    assert hosts.wait(4) == 56
    assert hosts.take(59.9) is None
    assert [hosts.take(60), hosts.take(60)] == ["a", None]


def test_one_who_is_passed_over_is_not_taken_before() -> None:
    hosts = Hosts(["a", "b"])
    hosts.pass_over("a", 30)
    assert [hosts.take(at) for at in (0, 29, 30)] == ["b", "b", "a"]
    hosts.pass_over("a", 90)
    hosts.pass_over("b", 80)
    assert (hosts.take(70), hosts.wait(70), hosts.take(80)) == (None, 10, "b")
