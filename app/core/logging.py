"""Logs: one JSON object a line (or coloured text), with the request's id; keys and secrets never reach them."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog
from structlog.typing import Processor

from app.core.settings import Settings

_SECRETS: Final = re.compile(r"(hd_[a-z]+_|whsec_|whsk_)[0-9A-Za-z+/=]{16,}")
_SECRET_NAMES: Final = re.compile(r"authorization|secret|password|token|api_key", re.IGNORECASE)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: keys and webhook secrets are cut to what tells their kind."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = "[hidden]"
        elif isinstance(value, str):
            event[name] = _SECRETS.sub(r"\1[hidden]", value)
    return event


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure_logging(settings: Settings) -> None:
    """Set up structlog, and the standard library's logging in the same form, on standard error."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    is_json = settings.log_format == "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([structlog.processors.format_exc_info] if is_json else []),
        hide_secrets,
    ]
    render = (
        structlog.processors.JSONRenderer(_json)
        if is_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # others print local variables, and secrets with them
        )
    )
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[strip, render])
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it would log every poll of every job
    logging.getLogger("app.core.db.pool").setLevel(
        logging.WARNING
    )  # a pool logs to its class's module: that it is closed
