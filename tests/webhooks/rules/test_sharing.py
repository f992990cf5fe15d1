"""Who gets the slots of a sender: decided, without any sending."""

from collections import Counter
from collections.abc import Iterable
from random import Random

from app.events.envelope import NO_ACCOUNT
from app.webhooks.rules.sharing import Lane, Probation, Share, granted


def lanes(owner: str, number: int, **facts: bool) -> list[Lane]:
    return [Lane(owner, f"wh_{owner}_{each}", owner, **facts) for each in range(number)]


def shared(among: Iterable[Lane], share: Share) -> Counter[str]:
    """How many slots each owner gets."""
    given: Counter[str] = Counter()
    for (owner, _, _), grant in granted(among, share).items():
        given[owner] += grant.many
    return given


def test_slots_are_shared_over_accounts_and_not_over_endpoints() -> None:
    waiting = [*lanes("a", 20), *lanes("b", 1), *lanes("c", 1)]
    assert shared(waiting, Share(limit=12, per_endpoint=10, slots=100)) == {"a": 4, "b": 4, "c": 4}


def test_then_over_the_endpoints_of_an_account() -> None:
    given = granted(lanes("a", 3), Share(limit=6, per_endpoint=10, slots=100))
    assert [grant.many for grant in given.values()] == [2, 2, 2]


def test_who_holds_slots_already_gets_fewer() -> None:
    share = Share(limit=6, per_endpoint=10, slots=100, by_owner={"a": 4}, in_flight={"wh_a_0": 4})
    assert shared([*lanes("a", 1), *lanes("b", 1)], share) == {"a": 1, "b": 5}


def test_an_account_holds_a_quarter_of_the_slots_and_operators_leave_a_quarter() -> None:
    share = Share(limit=100, per_endpoint=50, slots=100)
    assert shared(lanes("a", 4), share) == {"a": 25}
    assert shared(lanes(NO_ACCOUNT, 4), share) == {NO_ACCOUNT: 75}
    assert shared(lanes("a", 4), Share(limit=100, per_endpoint=50, slots=100, by_owner={"a": 25})) == {}
    assert Share(limit=1, per_endpoint=1, slots=100, by_owner={"a": 25, NO_ACCOUNT: 74}).full == ["a"]


def test_among_equals_each_comes_first_as_often_however_many_lanes_it_has() -> None:
    """Owners, and likewise the endpoints of one."""
    operators = [Lane(NO_ACCOUNT, "wh", f"acc_{number:03}") for number in range(400)]
    draw, one = Random(7).random, Share(limit=1, per_endpoint=10, slots=100)  # noqa: S311  nothing secret
    accounts = [Lane(f"acc_{number}", f"wh_{number}", f"acc_{number}") for number in range(3)]
    endpoints = [Lane(NO_ACCOUNT, f"wh_{number}", "acc_1") for number in range(3)]
    for others, place in ((accounts, 0), (endpoints, 1)):
        first = Counter(key[place] for _ in range(200) for key in granted([*operators, *others], one, draw))
        assert len(first) == 4
        assert min(first.values()) > 30


def test_an_endpoint_that_somebody_holds_comes_behind_its_equals() -> None:
    draw = Random(7).random  # noqa: S311  nothing secret
    share = Share(limit=1, per_endpoint=10, slots=100, held={"wh_a_0"})
    for others in (lanes("b", 1), lanes("a", 2)[1:]):
        first = [key[1] for _ in range(20) for key in granted([*others, *lanes("a", 1)], share, draw)]
        assert set(first) == {others[0].endpoint_id}


def test_an_operators_endpoint_serves_the_accounts_alike() -> None:
    waiting = [Lane(NO_ACCOUNT, "wh", "flooding"), Lane(NO_ACCOUNT, "wh", "quiet")]
    given = granted(waiting, Share(limit=100, per_endpoint=10, slots=100))
    assert [grant.many for grant in given.values()] == [5, 5]


def test_an_endpoint_gets_what_it_takes_and_no_more() -> None:
    share = Share(limit=20, per_endpoint=10, slots=100, in_flight={"wh_a_0": 8})
    (grant,) = granted(lanes("a", 1), share).values()
    assert grant.many == 2
    given = granted([Lane("b", "wh", "b", concurrency=3)], share)
    assert given["b", "wh", "b"].many == 3


def test_what_is_kept_for_retries_goes_to_retries() -> None:
    share = Share(limit=10, per_endpoint=10, slots=100, reserved=4)
    assert shared(lanes("a", 2), share) == {"a": 6}
    (first, retry) = granted([*lanes("a", 1), *lanes("b", 1, retry=True)], share).values()
    assert first.many + retry.many == 10
    assert first.firsts + retry.firsts == 6
    assert first.many == first.firsts


def test_endpoints_on_probation_hold_few_slots_together() -> None:
    hanging = {f"wh_a_{number}": 1 for number in range(30)}
    share = Share(limit=100, per_endpoint=10, slots=100, probation=hanging)
    assert shared([*lanes("a", 30), *lanes("b", 1)], share) == {"a": 5, "b": 10}


def test_an_endpoint_earns_its_slots_back_one_by_one() -> None:
    probation = Probation()
    probation.succeed("wh", 3)
    assert probation.allowed == {}
    probation.fail("wh")
    assert probation.allowed == {"wh": 1}
    probation.succeed("wh", 3)
    assert probation.allowed == {"wh": 2}
    probation.fail("wh")
    assert probation.allowed == {"wh": 1}
    for _ in range(2):
        probation.succeed("wh", 3)
    assert probation.allowed == {}
