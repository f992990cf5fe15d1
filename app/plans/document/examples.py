"""Examples for the OpenAPI document: a small plan, as it is written and as it is told. Pure."""

from typing import Any, Final

from app.plans.document.parsing.documents import parse_yaml

YAML: Final = """\
key: weekdays
name: {en: Weekday support}
programme: {en: "# Weekday support: an answer within four working hours."}
calendars:
  working:
    time_zone: account
    weekly: {mon: [["09:00", "17:00"]], tue: [["09:00", "17:00"]], wed: [["09:00", "17:00"]]}
hours: working
priorities:
  - {key: any, label: {en: Any}, definition: {en: Everything}, examples: {en: [A question]}, contact: [email]}
default_priority: any
targets: {any: {first_response: PT4H, resolution: {business_days: 2}}}
channels: [email]
"""
_PLAN: Final = parse_yaml(YAML)
WRITTEN: Final[dict[str, Any]] = _PLAN.model_dump(mode="json", exclude_unset=True)
REF: Final[dict[str, Any]] = {"key": _PLAN.key, "version": 1}
SUMMARY: Final[dict[str, Any]] = REF | {"name": WRITTEN["name"], "created_at": "2026-11-20T20:30:00Z"}
VERSION: Final[dict[str, Any]] = REF | {"created_at": "2026-11-20T20:30:00Z", "archived_at": None}
VERSION_DOCUMENT: Final[dict[str, Any]] = VERSION | {"document": _PLAN.canonical()}
PRIORITIES: Final[dict[str, Any]] = {
    "plan": REF,
    "language": "en",
    "priorities": [
        {
            "key": "any",
            "label": "Any",
            "definition": "Everything",
            "examples": ["A question"],
            "contact": ["email"],
            "targets": WRITTEN["targets"]["any"],
        }
    ],
    "default_priority": "any",
    "matrix": None,
    "requires": {},
    "call_priorities": [],
    "customer_may": {"priority": "none", "escalate": False, "reasons": []},
}
ASSESSMENT: Final[dict[str, Any]] = {
    "plan": {"key": "zmanda-standard", "version": 1},
    "priority": "P2",
    "source": "matrix",
    "label": "High",
    "detail": "The plan's matrix gives P2 for urgency medium and impact large.",
}
PROGRAMME: Final[dict[str, Any]] = {
    "plan": REF,
    "language": "en",
    "text_language": "en",
    "name": "Weekday support",
    "text": WRITTEN["programme"]["en"],
    "sections": [
        {
            "key": "deadlines",
            "title": "What we promise",
            "paragraphs": ["These times are counted in the working hours below."],
            "table": {
                "columns": ["Priority", "First response", "Resolution"],
                "rows": [["Any", "4 hours", "2 business days"]],
            },
            "facts": [],
            "entries": [],
            "items": [],
        }
    ],
}
