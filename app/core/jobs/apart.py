"""Work for many, one after the other: a failure of one is logged, and the others go on."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from app.core.db.errors import is_outage
from app.core.metrics import Metrics

_log = structlog.get_logger(__name__)


@contextmanager
def apart(job: str, metrics: Metrics | None, **whose: str) -> Iterator[None]:
    """Let an unexpected error of the block end nothing but the block: it is logged, and counted as one of the job's.

    An outage of the database is raised: it would be everybody's.
    """
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise
        if metrics:
            metrics.job_failures.labels(job).inc()
        _log.exception("a part of a background pass failed", job=job, **whose)
