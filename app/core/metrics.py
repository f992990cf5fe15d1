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
from app.core.exposition import Exposition

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LAGS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


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
        self._of_people()
        self._of_tickets()
        self._of_computing()

    def watch_pool(self, name: str, gate: Callable[[], Gate]) -> None:
        """Tell of a pool of database connections."""
        self.connections.labels(name, "in use").set_function(lambda: gate().taken)
        self.connections.labels(name, "waited for").set_function(lambda: gate().waiting)

    def _of_people(self) -> None:
        self.notices = Counter(
            "heliodesk_notices",
            "Notices to people that this process has sent, will try again, or has given up",
            ("outcome",),
            registry=self.registry,
        )
        self.pages = Counter(
            "heliodesk_pages",
            "Pages to engineers that this process has sent, will try again, has given up, or did not need any more",
            ("kind", "outcome"),
            registry=self.registry,
        )

    def _of_tickets(self) -> None:
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
