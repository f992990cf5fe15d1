import time
from typing import Any

import jmespath
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from app.core.jmespath.projection import (
    MAX_DEPTH,
    MAX_LENGTH,
    BadProjection,
    ProjectionFailed,
    TooCostly,
    compile_projection,
)

EVENT: dict[str, Any] = {
    "type": "ticket.opened",
    "numbers": [3, 1, 2] * 10,
    "body": "x" * 8000,
    "labels": {f"label{index}": index for index in range(200)},
    "people": [{"name": "Ana", "age": 40}, {"name": "Jan", "age": 30}, {"name": None}],
}
PLAIN = [
    "type",
    "people[0].name",
    "people[?age > `30`].name | [0]",
    "{kind: type, who: people[*].name, many: length(numbers)}",
    "sort_by(people[:2], &age)[].name",
    "join(', ', people[?name].name)",
    "missing || 'nothing'",
    "map(&to_string(@), numbers[:3])",
    "labels.* | sum(@)",
    "people[0] == people[1]",
    "merge(people[0], {a: `null`})",
]
BOMBS = {
    "doubled": "|".join(["[@,@]"] * 45),
    "doubled objects": "|".join(["{a:@,b:@}"] * 45),
    "flattened": "|".join(["[@,@,@,@][]"] * 20),
    "compared": f"({'|'.join(['[@,@]'] * 40)}) == ({'|'.join(['[@,@]'] * 40)})",
    "escaped": "|".join(["to_string([@])"] * 45),
    "long separator": "join(body, map(&'a', labels.*))",
    "joined again": "|".join(["join(@, map(&'x', `[1,2,3,4,5,6,7,8,9]`))".replace("@", "to_string(@)")] * 15),
    "nested maps": "labels.* | map(&map(&map(&map(&[@], $), $), $), @)".replace("$", "`[1,2,3,4,5,6,7,8,9]`"),
    "nested projections": "labels.*.[`[1,2,3,4,5,6,7,8,9]`[*].[`[1,2,3,4,5,6,7,8,9]`[*].[`[1,2,3,4,5,6,7,8]`[*].[@]]]]",
    "sorted by copies": "numbers | " + "[@,@,@,@][] | " * 5 + "sort_by(@, &to_string([@]))",
    "merged": "|".join(["{a: merge(@, {b: @}), c: @}"] * 22),
}
UNSUITABLE = {
    "order of kinds": "'a' < `1`",
    "kind of an argument": "abs(type)",
    "kind of an element": "join(',', numbers)",
    "text in a number": "contains(type, `1`)",
    "merged with pairs": "merge(labels, [['a']])",
    "name that is a number": "merge(labels, [[`1`, `2`]])",
    "infinite": "to_number('1e999')",
    "not a number": "to_number('nan')",
    "wide": "to_number('99999999999999999999')",
    "wide sum": "sum(map(&`18446744073709551615`, numbers))",
    "mixed extremes": "max_by([type, `1`], &@)",
}
BAD = [
    ("", None, "empty"),
    ("  ", 2, "not complete"),
    ("people[", 7, "not complete"),
    ("a b", 2, "Unexpected token"),
    ("people[?age > $]", 14, "Unknown token"),
    ("'open", 0, "Unclosed"),
    ("`open", 0, "Unclosed"),
    ("`open`", None, "JSON"),
    ("`NaN`", None, "not finite"),
    ("`1e999`", None, "not finite"),
    ("`99999999999999999999`", None, "64 bits"),
    ('`"\\ud800"`', None, "surrogate"),
    ('"\\u0000"', None, "0000"),
    ("{a: &type}", None, "reference"),
    ("&type", None, "reference"),
    ("to_string(&type)", None, "reference"),
    ("shout(type)", None, "no function shout"),
    ("length(type, type)", None, "1 argument"),
    ("merge()", None, "at least 1 argument"),
    ("numbers[::0]", None, "cannot be 0"),
    ("a" * (MAX_LENGTH + 1), None, "characters"),
    ("[" + ",".join("a" * 600) + "]", None, "parts"),
    ("`" + "[" * 2000 + "]" * 2000 + "`", None, "deep"),
    ("`" + "[" * 60 + "]" * 60 + "`", None, "deep"),
]
TOO_DEEP = ["[", "!", "(", "[*]", "*.", "map(&", "{a:", "a||", "a[?"]


@pytest.mark.parametrize("text", PLAIN)
def test_the_result_is_that_of_the_library(text: str) -> None:
    assert compile_projection(text).apply(EVENT) == jmespath.search(text, EVENT)


@pytest.mark.parametrize(("text", "position", "why"), BAD)
def test_a_bad_expression_is_refused_with_its_place(text: str, position: int | None, why: str) -> None:
    with pytest.raises(BadProjection, match=why) as refused:
        compile_projection(text)
    assert refused.value.position == position


@pytest.mark.parametrize("start", TOO_DEEP)
def test_an_expression_is_not_deep(start: str) -> None:
    with pytest.raises(BadProjection, match="deep"):
        compile_projection(start * ((MAX_LENGTH - 1) // len(start)) + "a")


def test_the_deepest_expression_is_applied() -> None:
    deepest = "map(&" * (MAX_DEPTH // 2 - 1) + "@" + ", [@])" * (MAX_DEPTH // 2 - 1)
    assert orjson.dumps(compile_projection(deepest).apply(EVENT))


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_too_costly_and_soon_known_to_be(text: str) -> None:
    bomb, begun = compile_projection(text), time.process_time()
    with pytest.raises(TooCostly):
        bomb.apply(EVENT)
    assert time.process_time() - begun < 2


def test_a_long_text_is_refused_before_it_is_joined() -> None:
    with pytest.raises(TooCostly, match="join"):
        compile_projection(BOMBS["long separator"]).apply(EVENT)


@pytest.mark.parametrize("text", UNSUITABLE.values(), ids=UNSUITABLE)
def test_what_a_function_does_not_take_is_a_failure(text: str) -> None:
    with pytest.raises(ProjectionFailed) as failed:
        compile_projection(text).apply(EVENT)
    assert not isinstance(failed.value, TooCostly)
    assert len(str(failed.value)) < 200


def test_the_callers_limits_hold() -> None:
    every = compile_projection("numbers[*].[@]")
    assert len(every.apply(EVENT, steps=1_000)) == 30
    with pytest.raises(TooCostly, match="steps"):
        every.apply(EVENT, steps=30)
    with pytest.raises(TooCostly, match="10,000 characters"):
        compile_projection("[@, @]").apply(EVENT, size=10_000)


def test_a_deep_value_is_too_costly() -> None:
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    with pytest.raises(TooCostly, match="deep"):
        compile_projection("@").apply(value)


def test_a_large_value_is_walked_in_its_steps() -> None:
    alerts = {"alerts": [{"labels": {"severity": "page", "shop": str(index)}} for index in range(1_000)]}
    found = compile_projection("alerts[?labels.severity == 'page'].{shop: labels.shop}").apply(alerts)
    assert len(found) == 1_000


LEAVES = st.sampled_from(
    ["@", "type", "numbers", "labels", "body", "people", "`1`", "'a'", "`[[1],2]`", "`{}`", "`null`", "[0]", "[*]"]
)
FORMS = """
[{}, {}]; {{a: {}, b: {}}}; ({})[]; ({})[*].[@]; !({}); ({}) | {}; ({}) == ({}); ({}) < ({}); ({}) || ({}); *.({});
map(&({}), {}); sort_by({}, &({})); max_by({}, &({})); join({}, {}); to_string({}); merge({}, {}); keys({}); sum({});
to_number({}); ({})[?{}]; contains({}, {}); ({})[::2]; sort({}); reverse({}); values({}); avg({}); ceil({}); ({}).*;
not_null({}, {}); ({})[-1]
"""
NODES = st.sampled_from([form.strip() for form in FORMS.split(";")])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda form, first, second: str(form).format(first, second), NODES, inner, inner)


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=25) | st.text(
    alphabet="ab@*.,:()[]{}|&!<>=?`'\"\\-10 \n", max_size=40
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, max_size=3),
    max_leaves=12,
)


@given(text=EXPRESSIONS, value=VALUES | st.just(EVENT))
def test_any_expression_is_refused_fails_or_gives_json(text: str, value: Any) -> None:
    try:
        result = compile_projection(text).apply(value, steps=2_000, size=20_000)
    except (BadProjection, ProjectionFailed):
        return
    assert len(orjson.dumps(result)) < 300_000  # every character can take twelve as JSON
    try:
        plain = jmespath.search(text, value)
    except JMESPathError as error:  # pragma: no cover
        raise AssertionError("the library refuses what is taken here") from error
    assert orjson.dumps(result) == orjson.dumps(plain)
