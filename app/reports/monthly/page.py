"""A monthly report as HTML: one file without scripts, which prints well, with charts and a table under each. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_percent
from markupsafe import Markup

from app.core.text.language import LANGUAGES, Language
from app.core.text.messages import locale_of, number
from app.core.text.phrases import day_of, moment_in, own_name
from app.core.web.templates import templates
from app.core.zones import load_zone
from app.events.labels import stated
from app.reports.monthly import words
from app.reports.monthly.charts import Series, lying_bars, standing_bars
from app.reports.monthly.months import Month
from app.reports.monthly.schemas import Kept, MonthlyReport
from app.reports.monthly.words import WORDS

_FOLDER: Final = Path(__file__).parent
_TEMPLATES: Final = templates(_FOLDER)
_STYLE: Final = (_FOLDER / "report.css").read_text(encoding="utf-8")
_OUTCOMES: Final = ("met", "met_late", "missed")
_COUNTS: Final = ("promised", *_OUTCOMES, "open")
_NONE: Final = "–"  # noqa: RUF001  the dash that stands for no figure


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its chart, and the same as a table; else why there is none."""

    key: str
    title: str
    chart: Markup | None = None
    table: Table | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A report in one language."""

    report: MonthlyReport
    language: Language

    def word(self, name: str) -> str:
        """A word of the page."""
        return WORDS[name].to(self.language)

    def share(self, value: float | None) -> str:
        """A share as per cent, to a tenth: never rounded up to all."""
        if value is None:
            return _NONE
        rounded = 0.999 if value < 1 and round(value, 3) == 1 else round(value, 3)
        return format_percent(rounded, _PERCENT[self.language], locale=locale_of(self.language))

    def count(self, value: float) -> str:
        """A number."""
        return number(int(value), self.language)

    @property
    def month(self) -> str:
        """The month, as a title has it."""
        return month_name(self.report.month, self.language)

    @property
    def plan(self) -> str:
        """What the plan is called."""
        return stated(WORDS["plan"], self.report.plan, self.language)

    @property
    def period(self) -> str:
        """From which day to which, and where."""
        zone = load_zone(self.report.time_zone)
        first = self.report.since.astimezone(zone).date()
        last = self.report.until.astimezone(zone).date() - timedelta(days=1)
        return f"{_date(first, self.language)} – {_date(last, self.language)} ({zone.key})"  # noqa: RUF001  from, to

    @property
    def counted(self) -> str:
        """Until when it counts."""
        zone = load_zone(self.report.time_zone)
        return words.COUNTED.to(self.language, instant=moment_in(self.report.counted_until, zone, self.language))

    @property
    def tiles(self) -> list[tuple[str, str]]:
        """The figures that matter most, with their names."""
        report = self.report
        left_out = [(self.word("not_counted"), self.count(report.left_out))] if report.left_out else []
        return [
            (self.word("kept"), self.share(report.total.attained)),
            (self.word("promises"), self.count(report.total.promised)),
            (self.word("tickets_opened"), self.count(report.opened)),
            (self.word("tickets_resolved"), self.count(report.resolved)),
            (self.word("tickets_reopened"), self.count(report.reopened)),
            (self.word("escalations"), self.count(report.escalated)),
            *left_out,
        ]

    @property
    def sections(self) -> list[Section]:
        """The parts, in their order."""
        return [self._metrics(), self._priorities(), self._months(), self._tickets(), self._late()]

    def _metrics(self) -> Section:
        rows = self.report.by_metric
        if not rows:
            return Section("by_metric", self.word("by_metric"), text=self.word("none"))
        columns = [self.word(name) for name in ("metric", *_COUNTS, "attained", "objective")]
        cells = [[row.name, *self._counts(row), self.share(row.objective)] for row in rows]
        chart = self._outcomes("by_metric", [row.name for row in rows], rows)
        return Section("by_metric", self.word("by_metric"), chart, Table(columns, cells), self.word("promises_lead"))

    def _priorities(self) -> Section:
        rows = self.report.by_priority
        if not rows:
            return Section("by_priority", self.word("by_priority"), text=self.word("none"))
        columns = [self.word(name) for name in ("priority", *_COUNTS, "attained")]
        cells = [[row.name, *self._counts(row)] for row in rows]
        chart = self._outcomes("by_priority", [row.name for row in rows], rows)
        return Section("by_priority", self.word("by_priority"), chart, Table(columns, cells))

    def _months(self) -> Section:
        rows = self.report.months
        names = [month_name(row.month, self.language) for row in rows]
        columns = [self.word(name) for name in ("month", *_COUNTS, "attained")]
        cells = [[name, *self._counts(row)] for name, row in zip(names, rows, strict=True)]
        chart = None
        if any(row.decided for row in rows):
            title = self.word("by_month")
            short = [month_name(row.month, self.language, short=True) for row in rows]
            series: Series = (self.word("attained"), [row.attained for row in rows])
            chart = standing_bars(f"{title}: {series[0]}", short, [series], self.share, shares=True)
        return Section("by_month", self.word("by_month"), chart, Table(columns, cells))

    def _tickets(self) -> Section:
        report, zone = self.report, load_zone(self.report.time_zone)
        if not any(week.opened or week.resolved for week in report.weeks):
            return Section("tickets", self.word("tickets"), text=self.word("no_tickets"))
        days = [week.since.astimezone(zone).date() for week in report.weeks]
        labels = [format_skeleton("MMMd", day, locale=locale_of(self.language)) for day in days]
        series: list[Series] = [
            (self.word(name), [getattr(week, name) for week in report.weeks]) for name in ("opened", "resolved")
        ]
        cells = [
            [label, self.count(week.opened), self.count(week.resolved)]
            for label, week in zip(labels, report.weeks, strict=True)
        ]
        chart = standing_bars(self.word("tickets"), labels, series, self.count)
        columns = [self.word(name) for name in ("week", "opened", "resolved")]
        return Section("tickets", self.word("tickets"), chart, Table(columns, cells))

    def _late(self) -> Section:
        report = self.report
        if not report.late:
            return Section("late", self.word("late"), text=self.word("none_late" if report.total.decided else "none"))
        columns = [self.word(name) for name in ("ticket", "metric", "due", "came")]
        cells = [
            [
                Markup("{} <bdi>{}</bdi>").format(one.number, one.title),
                one.name,
                self._moment(one.due_at) if one.due_at else _NONE,
                self._moment(one.settled_at) if one.settled_at else self.word("owed"),
            ]
            for one in report.late
        ]
        left_out = report.late_in_all > len(report.late)
        shown = words.LISTED.to(self.language, shown=len(report.late), all=report.late_in_all) if left_out else ""
        return Section("late", self.word("late"), table=Table(columns, cells), text=shown)

    def _moment(self, at: datetime) -> str:
        local, locale = at.astimezone(load_zone(self.report.time_zone)), locale_of(self.language)
        return (
            f"{format_date(local.date(), 'medium', locale=locale)}, {format_time(local.time(), 'short', locale=locale)}"
        )

    def _counts(self, kept: Kept) -> list[str]:
        return [*(self.count(getattr(kept, name)) for name in _COUNTS), self.share(kept.attained)]

    def _outcomes(self, name: str, labels: Sequence[str], rows: Sequence[Kept]) -> Markup | None:
        if not any(row.decided for row in rows):
            return None
        series: list[Series] = [(self.word(each), [getattr(row, each) for row in rows]) for each in _OUTCOMES]
        return lying_bars(self.word(name), labels, series, self.count)


def page(report: MonthlyReport, language: Language, address: Callable[[Language], str], pdf: str | None = None) -> str:
    """The whole page. ``address``: where it is in another language, as seen from itself; ``pdf``: where its PDF is."""
    shown = Page(report, language)
    return _TEMPLATES.get_template("report.html").render(
        page=shown,
        title=words.TITLE.to(language, month=shown.month),
        notices=list(_notices(report, language)),
        style=Markup(_STYLE),  # noqa: S704  our own
        languages=[(each, own_name(each), address(each)) for each in LANGUAGES],
        pdf=pdf,
    )


def _notices(report: MonthlyReport, language: Language) -> Iterator[str]:
    if not report.is_over:
        yield words.NOT_OVER.to(language)
    if report.left_out:
        yield words.LEFT_OUT.to(language, n=report.left_out)


def figures(report: MonthlyReport, language: Language) -> list[list[str]]:
    """What a mail tells of a report: names and values."""
    return [list(tile) for tile in Page(report, language).tiles]


def month_name(month: str, language: Language, *, short: bool = False) -> str:
    """What a month is called, with its year."""
    day, locale = Month.named(month).first, locale_of(language)
    name: str = format_skeleton("yMMM" if short else "yMMMM", day, locale=locale)
    return name


def _date(day: date, language: Language) -> str:
    return day_of(day, "long", language)


def _percent(language: Language) -> str:
    """How the language writes per cent, with up to one decimal."""
    pattern: str = Locale.parse(locale_of(language)).percent_formats[None].pattern
    return pattern.replace("0", "0.#")


_PERCENT: Final = {language: _percent(language) for language in LANGUAGES}
