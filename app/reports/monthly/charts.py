"""Charts as SVG without scripts and without styles: the style sheet of the page gives their classes colours. Pure.

Each has a name for those who do not see it, and its page shows its figures as a table as well.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

import pygal
from markupsafe import Markup
from pygal.style import Style

# The library looks for plugins of its own at each import of anything, in a way that Python warns of.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__]
_WIDTH: Final = 760
_PLOT: Final = 420
"""Pixels that the longest axis has at least, beside its names."""
_LONGEST: Final = 36
"""Characters of a name beside a bar; the table has all of it."""
_BAR: Final = 34
"""Pixels of height for each bar that lies."""
_HEIGHT: Final = 240
_LEGEND: Final = 24
_AROUND: Final = 86
"""Pixels of height for the axis and the legend."""
_STYLE: Final = Style(label_font_size=13, major_label_font_size=13, legend_font_size=13, value_font_size=13)
"""By these the library makes room for texts; nothing of it is written."""
_SHARED: Final[dict[str, Any]] = {
    "js": (),
    "css": (),
    "style": _STYLE,
    "width": _WIDTH,
    "legend_at_bottom": True,
    "legend_at_bottom_columns": 3,
    "legend_box_size": 13,
    "print_values": True,
    "print_zeroes": False,
    "margin": 6,
    "spacing": 8,
    "no_prefix": True,
}
_STEPS: Final = tuple(base * 10**power for power in range(12) for base in (1, 2, 5))
_SHARES: Final = (0, 0.25, 0.5, 0.75, 1)
_DROPPED: Final = ("defs", "desc", "title")
Series = tuple[str, Sequence[float | None]]
"""What a colour stands for, and its value at each label."""


def lying_bars(name: str, labels: Sequence[str], series: Sequence[Series], written: Callable[[float], str]) -> Markup:
    """A bar for each label, the first on top, which has a part for each of the series."""
    chart = pygal.HorizontalStackedBar(height=_AROUND + _BAR * len(labels), margin_right=24, **_SHARED)
    chart.x_labels = [_shortened(label) for label in reversed(labels)]
    chart.y_labels = _steps(sum(values) for values in zip(*(_numbers(each) for each in series), strict=True))
    pixel = chart.y_labels[-1] / _PLOT
    for title, values in series:
        chart.add(
            title,
            [
                value if (value or 0) > pixel * _room(written(value or 0)) else {"value": value, "formatter": _nothing}
                for value in reversed(values)
            ],
        )
    return _drawn(chart, name, written)


def standing_bars(
    name: str, labels: Sequence[str], series: Sequence[Series], written: Callable[[float], str], *, shares: bool = False
) -> Markup:
    """A bar for each of the series at each label; ``shares``: of values from 0 to 1."""
    named = len(series) > 1
    height, below = (_HEIGHT + _LEGEND, _LEGEND) if named else (_HEIGHT, 6)
    chart = pygal.Bar(height=height, margin_bottom=below, print_values_position="top", show_legend=named, **_SHARED)
    chart.x_labels = [*labels]
    chart.y_labels = _SHARES if shares else _steps(value for each in series for value in _numbers(each))
    for title, values in series:
        chart.add(title, [*values])
    return _drawn(chart, name, written)


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1].rstrip()}…"


def _room(text: str) -> int:
    """Pixels that a number takes in its bar; one that has no room is in the table alone."""
    return 9 * len(text) + 6


def _nothing(_: float) -> str:
    return ""


def _numbers(series: Series) -> list[float]:
    return [value or 0 for value in series[1]]


def _steps(tops: Iterable[float]) -> list[int]:
    """Up to six whole numbers, from 0 to the highest of ``tops`` or a little more: there are no half tickets."""
    top = int(max(tops))
    step = next(each for each in _STEPS if each * 5 >= top)
    return [*range(0, top + step, step)]


def _drawn(chart: Any, name: str, written: Callable[[float], str]) -> Markup:
    chart.value_formatter = lambda value: "" if value is None else written(value)
    drawn = ET.fromstring(chart.render(disable_xml_declaration=True))  # noqa: S314  our own
    _strip(drawn)
    drawn.set("role", "img")
    drawn.set("aria-label", name)
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    return Markup(ET.tostring(drawn, encoding="unicode"))  # noqa: S704  texts in it are escaped


def _strip(element: ET.Element) -> None:
    """Take out scripts, styles, what scripts would use, and ids, of which two charts would have the same."""
    for child in list(element):
        kind = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if kind in _DROPPED or "tooltip-overlay" in child.get("class", ""):
            element.remove(child)
        else:
            _strip(child)
    for name in ("id", "style"):
        element.attrib.pop(name, None)
