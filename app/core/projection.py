"""JMESPath within a budget: expressions that others write, applied to values that others send. Pure.

An expression of JMESPath can make a value that shares its parts and yet is exponentially large when it is walked
(``[@,@]|[@,@]|...``), and work that grows with a power of its input. So every node that is visited is counted, and
every value that comes out of one is measured as JSON, in time linear in its new parts. What is refused before is what
could not be counted: the depth of an expression, a separator times the length of what it joins, numbers beyond JSON's.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from jmespath.ast import literal
from jmespath.exceptions import (
    IncompleteExpressionError,
    JMESPathError,
    JMESPathTypeError,
    LexerError,
    ParseError,
)
from jmespath.functions import TYPES_MAP, Functions
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

MAX_LENGTH: Final = 4_096
"""Characters of an expression."""
MAX_NODES: Final = 500
"""Nodes of its tree."""
MAX_DEPTH: Final = 50
"""Nodes of its tree inside each other, and levels of a literal in it; keeps to Python's own stack, too."""
MAX_STEPS: Final = 50_000
"""Nodes that are visited in one application, by default: a tenth of a second or so at the very worst."""
MAX_SIZE: Final = 1024 * 1024
"""Characters, as JSON, of any value on the way, and of the result, by default."""
MAX_VALUE_DEPTH: Final = 100
"""Levels of arrays and objects in what an expression is applied to."""

_CHARACTERS_A_STEP: Final = 32
"""A function or comparison takes about as long over so many characters as it takes to visit a node."""
_LEAST, _MOST = -(2**63), 2**64 - 1
_FUNCTIONS: Final[dict[str, Any]] = Functions.FUNCTION_TABLE


class BadProjection(ValueError):
    """An expression that is not JMESPath, or larger than is taken. ``position``: the character, from 0, if known."""

    def __init__(self, why: str, position: int | None = None) -> None:
        super().__init__(why if position is None else f"{why} (at character {position + 1})")
        self.position = position


class ProjectionFailed(Exception):
    """The expression cannot be applied to this value; the message says why, without the value."""


class TooCostly(ProjectionFailed):
    """The evaluation took too many steps, or made too large a value."""


class _Node(TypedDict):
    """A node of the tree, as the parser makes it."""

    type: str
    value: Any
    children: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Projection:
    """A JMESPath expression that was checked. Made by ``compile_projection``."""

    text: str
    _tree: _Node

    def apply(self, value: Any, *, steps: int = MAX_STEPS, size: int = MAX_SIZE) -> Any:
        """The result for a JSON value. It can share parts with the value and the expression: not to be changed.

        It is JSON: its numbers are finite and of 64 bits at most, its names are texts. Raises ``ProjectionFailed``
        where a function does not take what it was given, and ``TooCostly`` beyond ``steps`` visited nodes or ``size``
        characters.
        """
        meter = _Meter(steps, size)
        meter.measure(value)
        try:
            return _Interpreter(meter).visit(self._tree, value)
        except JMESPathTypeError as error:
            expected = " or ".join(error.expected_types)
            actual = TYPES_MAP.get(error.actual_type, error.actual_type)
            raise ProjectionFailed(f"{error.function_name}() takes {expected}, not {actual}") from error
        except (TypeError, ValueError, ArithmeticError) as error:  # of Python itself: the library lets 'a' < 1 through
            raise ProjectionFailed("A function or comparison was given values that it does not take") from error


def compile_projection(text: str) -> Projection:
    """The expression, ready to be applied. Raises ``BadProjection`` with the place where there is one.

    JMESPath as its specification has it (https://jmespath.org/specification.html), and its functions alone. Literals
    in backticks are JSON.
    """
    if len(text) > MAX_LENGTH:
        raise BadProjection(f"An expression has at most {MAX_LENGTH} characters")
    try:
        tree: Any = _parse(text)
    except RecursionError as error:
        raise _too_deep() from error
    for count, (node, parent) in enumerate(_walk(tree), 1):
        if count > MAX_NODES:
            raise BadProjection(f"An expression has at most {MAX_NODES} parts")
        _check_node(node, parent)
    return Projection(text, tree)


def _parse(text: str) -> Any:
    try:
        with warnings.catch_warnings():  # where a literal is not JSON, it warns and takes it for a text
            warnings.simplefilter("error", PendingDeprecationWarning)
            return Parser().parse(text).parsed
    except PendingDeprecationWarning as error:
        raise BadProjection("A literal in backticks is JSON; a text stands in single quotes: 'text'") from error
    except IncompleteExpressionError as error:
        raise BadProjection("The expression is not complete", len(text)) from error
    except LexerError as error:
        raise BadProjection(error.message[:100], error.lexer_position) from error
    except ParseError as error:
        raise BadProjection(error.msg[:100], error.lex_position) from error
    except JMESPathError as error:
        raise BadProjection("The expression is empty") from error


def _too_deep() -> BadProjection:
    return BadProjection(f"An expression is nested at most {MAX_DEPTH} levels deep")


def _walk(tree: _Node) -> Iterator[tuple[_Node, _Node | None]]:
    """Every node, after the one that it belongs to, and with it."""
    waiting: list[tuple[_Node, _Node | None, int]] = [(tree, None, 1)]
    while waiting:
        node, parent, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        yield node, parent
        inside = [child for child in node["children"] if child is not None and not isinstance(child, int)]  # a slice's
        waiting += [(child, node, depth + 1) for child in inside]


def _check_node(node: _Node, parent: _Node | None) -> None:
    match node["type"]:
        case "function_expression":
            _check_call(node["value"], len(node["children"]))
        case "slice" if node["children"][2] == 0:
            raise BadProjection("The step of a slice is not 0")
        case "literal" | "field" | "key_val_pair":
            _check_constant(node["value"])
        case "expref" if parent is None or not _takes_expression(parent):
            raise BadProjection("An expression reference (&) is only an argument of map, sort_by, min_by and max_by")


def _check_call(name: str, given: int) -> None:
    if name not in _FUNCTIONS:
        raise BadProjection(f"There is no function {name}()"[:100])
    signature = _FUNCTIONS[name]["signature"]
    variadic = bool(signature and signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        least = "at least " if variadic else ""
        raise BadProjection(f"{name}() takes {least}{len(signature)} argument(s), not {given}")


def _takes_expression(node: _Node) -> bool:
    if node["type"] != "function_expression":
        return False
    return any("expref" in argument["types"] for argument in _FUNCTIONS[node["value"]]["signature"])


def _check_constant(value: Any) -> None:
    """A literal or a name: JSON that can be sent and stored."""
    try:
        _Meter(MAX_NODES, MAX_LENGTH).measure(value, MAX_VALUE_DEPTH - MAX_DEPTH)
    except ProjectionFailed as error:
        raise BadProjection(f"A literal cannot be used: {error}") from error
    if any(not _is_clean(text) for text in _texts(value)):
        raise BadProjection("A text holds U+0000, or half of a surrogate pair")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        yield from value
        yield from _texts(list(value.values()))


def _is_clean(text: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


class _Meter:
    """What is left of the budget, and how large each array and object is as JSON: what it shares counts each time."""

    def __init__(self, steps: int, limit: int) -> None:
        self._steps, self.limit = steps, limit
        self._known: dict[int, tuple[Any, int]] = {}
        """By ``id``; with the thing itself, so that it lives and its id stays its own."""

    def spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise TooCostly("The expression takes too many steps over this value")

    def charge(self, *values: Any) -> None:
        """The steps of a function that looks at all of these values."""
        self.spend(sum(map(self.measure, values)) // _CHARACTERS_A_STEP)

    def measure(self, value: Any, levels: int = MAX_VALUE_DEPTH) -> int:
        """About the characters of the value as JSON. A value that is known takes no time."""
        if not isinstance(value, list | dict):
            size = _leaf(value)
        elif id(value) in self._known:
            return self._known[id(value)][1]
        elif levels:
            size = self._container(value, levels - 1)
            self._known[id(value)] = value, size
        else:
            raise TooCostly("The value is nested too deeply")
        if size > self.limit:
            raise TooCostly(f"A value has more than {self.limit} characters")
        return size

    def measure_new(self, value: Any) -> None:
        """Measure what a node gave; what is new about it costs as many steps as it has parts."""
        if isinstance(value, list | dict) and id(value) not in self._known:
            self.spend(len(value) // 2)
        self.measure(value)

    def _container(self, value: list[Any] | dict[Any, Any], levels: int) -> int:
        size, parts = 1, value
        if isinstance(value, dict):
            if not all(isinstance(name, str) for name in value):
                raise ProjectionFailed("merge() made a name that is not a text")
            size, parts = 1 + sum(map(len, value)) + len(value), list(value.values())
        for part in parts:
            size += self.measure(part, levels)
            if size > self.limit:
                break
        return size


def _leaf(value: Any) -> int:
    if isinstance(value, str):
        return 1 + len(value)
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        raise ProjectionFailed("A number has more than 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ProjectionFailed("A number is not finite")
    return 1


class _MeteredFunctions(Functions):
    """JMESPath's functions; each costs what it looks at, and the text that it makes."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        """Call it, unless that is too costly."""
        self._meter.charge(*resolved_args)
        if function_name == "join":
            self._refuse_long(*resolved_args)
        result = super().call_function(function_name, resolved_args)
        if isinstance(result, str):
            self._meter.charge(result)
        return result

    def _refuse_long(self, separator: Any, parts: Any) -> None:
        """The one function whose result can be as long as the product of its arguments."""
        if isinstance(separator, str) and isinstance(parts, list) and len(separator) * len(parts) > self._meter.limit:
            raise TooCostly(f"join() makes a text of more than {self._meter.limit} characters")


class _Interpreter(TreeInterpreter):
    """The library's interpreter, which counts."""

    def __init__(self, meter: _Meter) -> None:
        super().__init__(Options(custom_functions=_MeteredFunctions(meter)))
        self._meter = meter

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """One step."""
        self._meter.spend(1)
        result = super().visit(node, *args, **kwargs)
        self._meter.measure_new(result)
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Equality walks both sides."""
        sides = [self.visit(child, value) for child in node["children"]]
        self._meter.charge(*sides)
        compared: Any = {**node, "children": [literal(side) for side in sides]}
        return super().visit_comparator(compared, value)
