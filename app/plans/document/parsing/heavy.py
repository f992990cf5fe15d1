"""A plan document that somebody sends: read, checked and expanded in a process of its own; it may be large. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.problems import BadRequest
from app.core.text.messages import _
from app.core.web.body import read_json
from app.plans.document.parsing.documents import PlanDocument, parse, parse_yaml
from app.plans.document.parsing.expansion import expanded
from app.plans.document.parsing.stored import first_named


@dataclass(frozen=True, slots=True)
class PlanText:
    """A document as it came."""

    body: bytes
    yaml: bool


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A document that may be stored."""

    key: str
    trial: str | None
    document: dict[str, Any]
    """canonical, with the holidays of each country that it names as dates"""
    content_hash: str
    """of what its author wrote"""


def checked(text: PlanText, years: range) -> CheckedPlan:
    """The document behind a text. Raises ``BadRequest``, and ``Invalid`` with every fault and its place."""
    return check(_document(text), years)


def check(document: PlanDocument, years: range) -> CheckedPlan:
    """The document with holidays for these years. ``Invalid`` for an unknown country, and for too many dates."""
    written, longer = document.canonical(), expanded(document, years)
    return CheckedPlan(document.key, document.trial, longer.canonical(), content_hash(written))


def content_hash(canonical: dict[str, Any]) -> str:
    """SHA-256 of a document as its author wrote it, in canonical JSON.

    A key goes in by the first name that it had, so that another name makes no new version of a document.
    """
    return hashlib.sha256(orjson.dumps(first_named(canonical), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _document(text: PlanText) -> PlanDocument:
    if not text.yaml:
        return parse(read_json(text.body))
    try:
        return parse_yaml(text.body.decode())
    except UnicodeDecodeError as error:
        raise BadRequest(_("The body is not UTF-8 text")) from error
