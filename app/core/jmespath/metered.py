"""The evaluation of JMESPath by its library, within a budget. Pure.

Every node that is visited is counted, and every value that comes out of one is measured as JSON, in time linear in its
new parts. What is refused before is what could not be counted: a separator times the length of what it joins, numbers
beyond JSON's.
"""

import math
from typing import Any, Final

from jmespath.ast import literal
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from app.core.text.messages import Message, _

MAX_VALUE_DEPTH: Final = 100
"""Levels of arrays and objects in what an expression is applied to."""


_CHARACTERS_A_STEP: Final = 32
"""A function or comparison takes about as long over so many characters as it takes to visit a node."""
_LEAST, _MOST = -(2**63), 2**64 - 1


class ProjectionFailed(Exception):
    """The expression cannot be applied to this value; the message says why, without the value."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class TooCostly(ProjectionFailed):
    """The evaluation took too many steps, or made too large a value."""


class Meter:
    """What is left of the budget, and how large each array and object is as JSON: what it shares counts each time."""

    def __init__(self, steps: int, limit: int) -> None:
        self._steps, self.limit = steps, limit
        self._known: dict[int, tuple[Any, int]] = {}
        """By ``id``; with the thing itself, so that it lives and its id stays its own."""

    def spend(self, steps: int) -> None:
        """Take so many steps. Raises ``TooCostly`` where there are not so many left."""
        self._steps -= steps
        if self._steps < 0:
            raise TooCostly(_("The expression takes too many steps over this value"))

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
            raise TooCostly(_("The value is nested too deeply"))
        if size > self.limit:
            raise TooCostly(_("A value has more than {most} characters", most=self.limit))
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
                raise ProjectionFailed(_("merge() made a name that is not a text"))
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
        raise ProjectionFailed(_("A number has more than 64 bits"))
    if isinstance(value, float) and not math.isfinite(value):
        raise ProjectionFailed(_("A number is not finite"))
    return 1


class _MeteredFunctions(Functions):
    """JMESPath's functions; each costs what it looks at, and the text that it makes."""

    def __init__(self, meter: Meter) -> None:
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
            raise TooCostly(_("join() makes a text of more than {most} characters", most=self._meter.limit))


class Interpreter(TreeInterpreter):
    """The library's interpreter, which counts."""

    def __init__(self, meter: Meter) -> None:
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
