"""What Prometheus reads at ``/metrics``. Each process has its own registry; a feature adds its metrics to it."""

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from app.core.db.pool import Gate
from app.core.process.exposition import Exposition

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_WAKE_LAGS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0)
_LAGS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_PAGED_BY: Final = ("email", "apprise", "pagerduty", "opsgenie")


class Stored:
    """What is stored and waits, as of the last sample (``app/measures/sampling.py``)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, documentation: str, *labels: str) -> Gauge:
            return Gauge(f"heliodesk_{name}", documentation, labels, registry=registry)

        self.due_backlog = gauge("due_backlog_tickets", "Live tickets that are due and not processed, up to 10,000")
        self.due_lag = gauge("due_lag_seconds", "How late the live ticket is that has been due for longest")
        self.open_tickets = gauge(
            "open_tickets",
            "Live tickets that are neither resolved nor closed, counted in rounds of 20,000 a sample",
            "priority",
        )
        self.unstaffed = gauge("unstaffed_tickets", "Live tickets, such as P1s, that wait for an expert, up to 10,000")
        self.unstaffed_for = gauge("unstaffed_oldest_seconds", "How long the first of them has waited")
        self.deliveries = gauge("deliveries_waiting", "Webhook deliveries that are pending, up to 10,000")
        self.receipts = gauge("receipts_waiting", "Payloads of inbound hooks to be processed, up to 10,000")
        self.receipts_for = gauge("receipts_oldest_seconds", "How long the first of them has waited")
        self.postponed_events = gauge(
            "postponed_events", "Events that a background job cannot process, and tries again later, up to 10,000"
        )
        self.postponed_jobs = gauge("postponed_jobs", "Background jobs that fail with every event, and pause")
        self.reports_behind = gauge(
            "reports_behind_seconds", "How long ago the first event was recorded that reports do not count yet"
        )
        self.reports_left_out = gauge(
            "reports_left_out_tickets", "Tickets whose latest changes reports leave out, since they cannot be counted"
        )
        self.feed_held = gauge(
            "feed_held_seconds", "How long open transactions have kept the feed's watermark from moving"
        )
        self.sampled = gauge("sampled_timestamp_seconds", "When these gauges were last set, by this machine's clock")


class Metrics:
    """The registry, and the metrics of HTTP and of the background jobs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.exposition = Exposition(self.registry)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.requests = Histogram(
            "heliodesk_http_request_seconds",
            "Time to answer a request",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.jobs = Histogram(
            "heliodesk_job_seconds",
            "Time of one pass of a background job",
            ("job",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.job_failures = Counter(
            "heliodesk_job_failures",
            "Background passes, and parts of them, that ended with an error",
            ("job",),
            registry=self.registry,
        )
        self.refused = Counter(
            "heliodesk_http_refused",
            "Requests that a limit refused before they were looked at",
            ("quota",),
            registry=self.registry,
        )
        self.in_flight = Gauge("heliodesk_http_running", "Requests that are worked on", registry=self.registry)
        self.waiting = Gauge("heliodesk_http_waiting", "Requests that wait for their turn", registry=self.registry)
        self.streams = Gauge(
            "heliodesk_streams",
            "Streams of events and waiting requests that are open",
            registry=self.registry,
        )
        self.connections = Gauge(
            "heliodesk_database_connections",
            "Database connections that are in use, and callers who wait for one",
            ("pool", "state"),
            registry=self.registry,
        )
        self._of_calls()
        self.stored = Stored(self.registry)
        self._of_people()
        self._of_automation()
        self._of_tickets()
        self._of_computing()

    def watch_pool(self, name: str, gate: Callable[[], Gate]) -> None:
        """Tell of a pool of database connections."""
        self.connections.labels(name, "in use").set_function(lambda: gate().taken)
        self.connections.labels(name, "waited for").set_function(lambda: gate().waiting)

    def _of_calls(self) -> None:
        self.call_attempts = Counter(
            "heliodesk_call_attempts",
            "Times that a provider was asked for the link of a call",
            ("provider", "outcome"),
            registry=self.registry,
        )
        self.call_orphans = Counter(
            "heliodesk_call_orphans",
            "Rooms that a provider made, or may have made, and that no call uses",
            ("provider",),
            registry=self.registry,
        )

    # Failures are there as zeros from the start: to Prometheus a counter that appears as 1 has not increased.
    def _of_people(self) -> None:
        self.notices = Counter(
            "heliodesk_notices",
            "Notices to people that this process has sent, will try again, has given up, or has suppressed",
            ("outcome",),
            registry=self.registry,
        )
        self.notices.labels("failed")
        self.pages = Counter(
            "heliodesk_pages",
            "Pages to engineers that this process has sent, will try again, has given up, or did not need any more",
            ("kind", "outcome"),
            registry=self.registry,
        )
        for kind in _PAGED_BY:
            self.pages.labels(kind, "failed")

    def _of_automation(self) -> None:
        self.deliveries = Counter(
            "heliodesk_deliveries",
            "Attempts at webhook deliveries: delivered, retried later, failed for good, or skipped",
            ("outcome",),
            registry=self.registry,
        )
        self.deliveries.labels("failed")
        self.receipts = Counter(
            "heliodesk_receipts",
            "Payloads of inbound hooks that this process has processed, by the state in which they ended",
            ("outcome",),
            registry=self.registry,
        )
        self.receipts.labels("failed")

    def _of_tickets(self) -> None:
        self.wake_lag = Histogram(
            "heliodesk_wake_lag_seconds",
            "How late the sweep came to a live ticket that had something due",
            buckets=_WAKE_LAGS,
            registry=self.registry,
        )
        self.postponements = Counter(
            "heliodesk_ticket_postponements",
            "Times that this process postponed a ticket whose timers cannot be processed",
            ("reason",),
            registry=self.registry,
        )
        self.postponed = Gauge(
            "heliodesk_postponed_tickets",
            "Tickets in the database whose timers cannot be processed, and are tried again later",
            registry=self.registry,
        )

    def _of_computing(self) -> None:
        self.loop_lag = Histogram(
            "heliodesk_event_loop_lag_seconds",
            "How late the event loop does what is due, ten times a second",
            buckets=_LAGS,
            registry=self.registry,
        )
        self.offloaded = Histogram(
            "heliodesk_offloaded_seconds",
            "Time of a computation in a worker process, its wait for one included",
            ("outcome",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.offload_waiting = Gauge(
            "heliodesk_offload_waiting",
            "Computations that wait for a worker process",
            registry=self.registry,
        )
        self.offload_workers = Gauge(
            "heliodesk_offload_workers",
            "Worker processes that run",
            registry=self.registry,
        )
