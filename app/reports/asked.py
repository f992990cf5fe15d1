"""What a report is asked for: a period, what it is grouped by, and what it is narrowed to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import Query
from pydantic import StringConstraints

from app.accounts.schemas import EngineerId
from app.core.problems import Fault, Forbidden, Invalid
from app.core.schemas.shared import Instant, TimeZone, Word
from app.core.text.messages import _
from app.plans.document.words import Metric
from app.tickets.schemas import Channel, Priority

OfTicket: TypeAlias = Literal[
    "priority", "plan", "plan_version", "account", "product", "engineer", "region", "tier", "channel"
]
"""Dimensions of tickets."""
Dimension: TypeAlias = Literal["metric", "cycle", OfTicket]
Bucket: TypeAlias = Literal["day", "week", "month"]
Cycles: TypeAlias = Literal["first", "later", "each"]
PlanName = Annotated[str, StringConstraints(min_length=1, max_length=100)]

_DEFAULT: Final = timedelta(days=30)
_SEVERAL: Final = Query(max_length=50, description="One or more")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which facts are counted."""

    since: Annotated[
        Instant | None, Query(description="What began at this instant or later; default: 30 days before `until`")
    ] = None
    until: Annotated[Instant | None, Query(description="What began before it; default: now")] = None
    priority: Annotated[Sequence[Priority] | None, _SEVERAL] = None
    plan: Annotated[Sequence[PlanName] | None, Query(max_length=50, description="Keys of plans")] = None
    plan_version: Annotated[Sequence[Annotated[int, Query(ge=1, le=2**31 - 1)]] | None, _SEVERAL] = None
    product: Annotated[Sequence[Word] | None, _SEVERAL] = None
    engineer_id: Annotated[Sequence[EngineerId] | None, Query(max_length=50, description="For support's keys")] = None
    region: Annotated[Sequence[Word] | None, Query(max_length=50, description="Of the engineer")] = None
    tier: Annotated[Sequence[Annotated[int, Query(ge=1, le=9)]] | None, _SEVERAL] = None
    channel: Annotated[Sequence[Channel] | None, _SEVERAL] = None
    without: Annotated[
        Sequence[Literal["product", "engineer", "region"]] | None,
        Query(max_length=3, description="What it does not have"),
    ] = None
    sandbox: Annotated[
        bool | None, Query(description="Sandbox accounts alone, or none of them; default: none, unless one is named")
    ] = None

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """From when until when. 422 where it ends before it begins."""
        until = self.until or now
        since = self.since or until - _DEFAULT
        if since >= until:
            fault = Fault(pointer="#/query/until", detail=_("A period ends after its beginning"))
            raise Invalid(errors=[fault])
        return since, until


@dataclass(frozen=True, slots=True)
class Grouping:
    """By what the facts are counted apart."""

    group_by: Annotated[
        Sequence[Dimension] | None, Query(max_length=6, description="Dimensions, one or more; default: `metric`")
    ] = None
    bucket: Annotated[Bucket | None, Query(description="Days, weeks (from Monday) or months apart")] = None
    time_zone: Annotated[TimeZone, Query(description="In which days begin")] = "UTC"


@dataclass(frozen=True, slots=True)
class TicketGrouping:
    """By what moments of tickets are counted apart."""

    group_by: Annotated[
        Sequence[OfTicket] | None, Query(max_length=6, description="Dimensions, one or more; default: none")
    ] = None
    bucket: Annotated[Bucket | None, Query(description="Days, weeks (from Monday) or months apart")] = None
    time_zone: Annotated[TimeZone, Query(description="In which days begin")] = "UTC"

    @property
    def grouping(self) -> Grouping:
        """The same, of all dimensions."""
        return Grouping([*(self.group_by or ())], self.bucket, self.time_zone)


@dataclass(frozen=True, slots=True)
class Of:
    """Of which cycles."""

    metric: Annotated[Sequence[Metric] | None, _SEVERAL] = None
    cycles: Annotated[
        Cycles,
        Query(
            description="`first`: the promises, which are first cycles, and the updates of an incident as one; "
            "`later`: cycles after the first; `each`: all, each by itself"
        ),
    ] = "first"
    cycle: Annotated[Literal["first", "later"] | None, Query(description="Of these, the first ones or the others")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A report's question."""

    since: datetime
    until: datetime
    account_id: str | None
    is_support: bool
    narrowing: Narrowing
    grouping: Grouping = Grouping()
    of: Of = Of()

    def require_allowed(self) -> None:
        """403 where a customer asks about engineers."""
        without = "engineer" in (self.narrowing.without or ())
        by_engineer = "engineer" in self.dimensions or self.narrowing.engineer_id or without
        if by_engineer and not self.is_support:
            raise Forbidden(_("Only support can see reports by engineer"))

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """By what is grouped, each once, beside the bucket."""
        named = self.grouping.group_by
        return ("metric",) if named is None else tuple(dict.fromkeys(named))

    def with_part(self, part: Grouping | Of) -> "Asked":
        """The same, grouped like this, or of these cycles."""
        return replace(self, grouping=part) if isinstance(part, Grouping) else replace(self, of=part)

    def within(self, since: datetime, until: datetime) -> "Asked":
        """The same of a part of the period."""
        return replace(self, since=max(since, self.since), until=min(until, self.until))

    def filters(self) -> Iterator[tuple[str, Any]]:
        """The dimensions to whose values the question is narrowed."""
        narrowing = self.narrowing
        for name, values in (
            ("metric", self.of.metric),
            ("priority", narrowing.priority),
            ("plan", narrowing.plan),
            ("plan_version", narrowing.plan_version),
            ("product", narrowing.product),
            ("engineer", narrowing.engineer_id),
            ("region", narrowing.region),
            ("tier", narrowing.tier),
            ("channel", narrowing.channel),
        ):
            if values:
                yield name, values
