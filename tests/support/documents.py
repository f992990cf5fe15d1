"""Plan documents that tests load."""

from pathlib import Path
from typing import Any

import yaml

from app.plans.document.parsing.documents import parse_yaml

SMALL = """
key: small
name: {en: Small}
programme: {en: A small plan}
calendars:
  working: {time_zone: account, weekly: {mon: [["09:00", "12:00"], ["13:00", "18:00"]]}}
priorities:
  - {key: hot, label: {en: Hot}, definition: {en: Burns}, examples: {en: [fire]}, contact: [phone]}
  - {key: cold, label: {en: Cold}, definition: {en: Does not}, examples: {en: [ice]}}
default_priority: cold
targets:
  hot: {first_response: PT2S, resolution: {duration: PT4H, calendar: working}}
  cold: {first_response: {business_days: 1, calendar: working}}
channels: [web]
"""


def small(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(SMALL)
    return data | changes


FOLDER = Path("app/plans/builtin")
TEXTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}
PLANS = {key: parse_yaml(text) for key, text in TEXTS.items()}
