"""JMESPath within a budget: expressions that others write, applied to values that others send. Pure.

What is too long, too deep or not JMESPath is refused when it is compiled. Its evaluation has a budget of its own
(``metered_jmespath``): an expression can make a value that shares its parts and yet is exponentially large when it is
walked (``[@,@]|[@,@]|...``), and work that grows with a power of its input.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from jmespath.exceptions import (
    IncompleteExpressionError,
    JMESPathError,
    JMESPathTypeError,
    LexerError,
    ParseError,
)
from jmespath.functions import TYPES_MAP, Functions
from jmespath.parser import Parser

from app.core.jmespath.metered import MAX_VALUE_DEPTH, Interpreter, Meter, ProjectionFailed, TooCostly
from app.core.text.messages import Message, _, ngettext, verbatim

__all__ = ["BadProjection", "Projection", "ProjectionFailed", "TooCostly", "compile_projection"]

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
_FUNCTIONS: Final[dict[str, Any]] = Functions.FUNCTION_TABLE


class BadProjection(ValueError):
    """An expression that is not JMESPath, or larger than is taken. ``position``: the character, from 0, if known."""

    def __init__(self, reason: Message, position: int | None = None) -> None:
        if position is not None:
            reason = _("{reason} (at character {number})", reason=reason, number=position + 1)
        super().__init__(reason)
        self.reason, self.position = reason, position


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
        meter = Meter(steps, size)
        meter.measure(value)
        try:
            return Interpreter(meter).visit(self._tree, value)
        except JMESPathTypeError as error:
            raise ProjectionFailed(_mistaken(error)) from error
        except (TypeError, ValueError, ArithmeticError) as error:  # of Python itself: the library lets 'a' < 1 through
            raise ProjectionFailed(_("A function or comparison was given values that it does not take")) from error


def _mistaken(error: JMESPathTypeError) -> Message:
    return _(
        "{function}() takes {expected}, not {actual}",
        function=error.function_name,
        expected=" / ".join(error.expected_types),
        actual=TYPES_MAP.get(error.actual_type, error.actual_type),
    )


def compile_projection(text: str) -> Projection:
    """The expression, ready to be applied. Raises ``BadProjection`` with the place where there is one.

    JMESPath as its specification has it (https://jmespath.org/specification.html), and its functions alone. Literals
    in backticks are JSON.
    """
    if len(text) > MAX_LENGTH:
        raise BadProjection(_("An expression has at most {most} characters", most=MAX_LENGTH))
    try:
        tree: Any = _parse(text)
    except RecursionError as error:
        raise _too_deep() from error
    for count, (node, parent) in enumerate(_walk(tree), 1):
        if count > MAX_NODES:
            raise BadProjection(_("An expression has at most {most} parts", most=MAX_NODES))
        _check_node(node, parent)
    return Projection(text, tree)


def _parse(text: str) -> Any:
    try:
        with warnings.catch_warnings():  # where a literal is not JSON, it warns and takes it for a text
            warnings.simplefilter("error", PendingDeprecationWarning)
            return Parser().parse(text).parsed
    except PendingDeprecationWarning as error:
        raise BadProjection(_("A literal in backticks is JSON; a text stands in single quotes: 'text'")) from error
    except IncompleteExpressionError as error:
        raise BadProjection(_("The expression is not complete"), len(text)) from error
    except LexerError as error:
        raise BadProjection(verbatim(error.message[:100]), error.lexer_position) from error
    except ParseError as error:
        raise BadProjection(verbatim(error.msg[:100]), error.lex_position) from error
    except JMESPathError as error:
        raise BadProjection(_("The expression is empty")) from error


def _too_deep() -> BadProjection:
    return BadProjection(_("An expression is nested at most {most} levels deep", most=MAX_DEPTH))


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
            raise BadProjection(_("The step of a slice cannot be 0"))
        case "literal" | "field" | "key_val_pair":
            _check_constant(node["value"])
        case "expref" if parent is None or not _takes_expression(parent):
            raise BadProjection(_("An expression reference (&) is only an argument of map, sort_by, min_by and max_by"))


def _check_call(name: str, given: int) -> None:
    if name not in _FUNCTIONS:
        raise BadProjection(_("There is no function {name}()", name=name[:80]))
    signature = _FUNCTIONS[name]["signature"]
    variadic = bool(signature and signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        raise BadProjection(_arity(name, len(signature), given, variadic=variadic))


def _arity(name: str, number: int, given: int, *, variadic: bool) -> Message:
    if variadic:
        return ngettext(
            "{name}() takes at least {n} argument, not {given}",
            "{name}() takes at least {n} arguments, not {given}",
            number,
            name=name,
            given=given,
        )
    return ngettext(
        "{name}() takes {n} argument, not {given}",
        "{name}() takes {n} arguments, not {given}",
        number,
        name=name,
        given=given,
    )


def _takes_expression(node: _Node) -> bool:
    if node["type"] != "function_expression":
        return False
    return any("expref" in argument["types"] for argument in _FUNCTIONS[node["value"]]["signature"])


def _check_constant(value: Any) -> None:
    """A literal or a name: JSON that can be sent and stored."""
    try:
        Meter(MAX_NODES, MAX_LENGTH).measure(value, MAX_VALUE_DEPTH - MAX_DEPTH)
    except ProjectionFailed as error:
        raise BadProjection(_("A literal cannot be used: {error}", error=error.reason)) from error
    if any(not _is_clean(text) for text in _texts(value)):
        raise BadProjection(_("A text holds U+0000, or half of a surrogate pair"))


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
