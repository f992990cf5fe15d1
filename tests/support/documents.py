"""Plan documents that tests load."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.ext.asyncio import AsyncSession

from app.plans.document.parsing.documents import PlanDocument, parse_yaml
from app.plans.document.parsing.expansion import years_around
from app.plans.document.parsing.heavy import check
from app.plans.models import PlanVersionRow
from app.plans.store import add_version

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


async def store_version(session: AsyncSession, document: PlanDocument, now: datetime) -> PlanVersionRow:
    """The document as the next version of its key, as an operation stores it."""
    return await add_version(session, check(document, years_around(now)), now)
