"""A demo account, so that a first start has something to try the service with."""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.key_schemas import NewKey
from app.accounts.models import AccountRow
from app.accounts.schemas import NewAccount, PersonFields
from app.accounts.usecases.customers import create_account
from app.accounts.usecases.keys import create_key
from app.accounts.usecases.people import add_person
from app.articles.files import SUFFIX, read_article
from app.articles.schemas import NewArticle
from app.articles.usecases.importing import import_articles
from app.calendars.hours import WEEKDAYS
from app.core.auth import Actor
from app.core.db.locks import AdvisoryLock, acquire
from app.plans.document.model import PlanCalendar
from app.roster.schemas import NewEngineer, NewRegion
from app.roster.usecases.engineers import create_engineer
from app.roster.usecases.regions import create_region

REFERENCE: Final = "heliodesk-demo"
_REGIONS: Final = {
    "apac": ("Asia and the Pacific", "Asia/Singapore", "08:00", "17:00"),
    "emea": ("Europe, Middle East, Africa", "Europe/Warsaw", "08:00", "18:00"),
    "americas": ("The Americas", "America/Los_Angeles", "09:00", "18:00"),
}
"""In the order of the sun: name, time zone, and hours on every day, such that somebody is always there."""
_EXPERTS: Final = (
    ("Emil Engineer", "emea", 1, ("en", "pl")),
    ("Inès Moreau", "emea", 2, ("en", "fr")),
    ("Mei Tan", "apac", 1, ("en",)),
    ("Ravi Nair", "apac", 2, ("en",)),
    ("Lucía Gómez", "americas", 1, ("en", "es")),
    ("Sam Reed", "americas", 2, ("en",)),
)
_WRITER: Final = Actor("automation", name="demo")
_ONE_AT_A_TIME: Final = AdvisoryLock("demo", "hashtext('heliodesk demo')")


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made, with the keys, which are not stored."""

    account_id: str
    engineer_id: str
    account_key: str
    agent_key: str

    def variables(self) -> dict[str, str]:
        """What a shell is to know it by."""
        return {
            "ACCOUNT": self.account_id,
            "ACCOUNT_KEY": self.account_key,
            "ENGINEER": self.engineer_id,
            "AGENT_KEY": self.agent_key,
        }


async def make_demo(session: AsyncSession, *, now: datetime) -> Demo | None:
    """An account on ``google-premium`` with an owner, and a roster, of which one has a key; None when it exists."""
    await acquire(session, _ONE_AT_A_TIME)
    if (await session.execute(select(AccountRow.account_id).where(AccountRow.external_ref == REFERENCE))).first():
        return None
    customer = NewAccount(name="Demo account", plan="google-premium", time_zone="Europe/Warsaw", external_ref=REFERENCE)
    account_id = (await create_account(session, customer, now=now)).account_id
    owner = PersonFields(name="Olga Owner", email="olga@demo.example", role="owner")
    await add_person(session, account_id, owner, now=now)
    engineer_id = await _make_roster(session, now=now)
    back_end = NewKey(kind="account", account_id=account_id, role="owner", label="demo")
    _, account_key = await create_key(session, back_end, now=now)
    await import_articles(session, demo_articles(), _WRITER, dry_run=False)
    _, agent_key = await create_key(session, NewKey(kind="agent", engineer_id=engineer_id, label="demo"), now=now)
    return Demo(account_id, engineer_id, account_key, agent_key)


def demo_articles() -> list[NewArticle]:
    """The knowledge base of the demo: what a customer of it may ask about, in five languages."""
    folder = files(__package__) / "demo_articles"
    found = sorted((each.name, each) for each in folder.iterdir() if each.name.endswith(SUFFIX))
    return [read_article(name, each.read_text(encoding="utf-8")) for name, each in found]


async def _make_roster(session: AsyncSession, *, now: datetime) -> str:
    """Three regions around the world with two experts each; the id of the one who gets a key."""
    for place, (key, (name, zone, opens, closes)) in enumerate(_REGIONS.items()):
        weekly = {day: [(opens, closes)] for day in WEEKDAYS}
        calendar = PlanCalendar.model_validate({"time_zone": zone, "weekly": weekly})
        await create_region(session, NewRegion(key=key, name=name, place=place, calendar=calendar), now=now)
    made = [
        await create_engineer(
            session,
            NewEngineer(
                name=name,
                email=f"{name.partition(' ')[0].lower()}@heliodesk.example",
                region=region,
                tier=tier,
                languages=list(languages),
            ),
            now=now,
        )
        for name, region, tier, languages in _EXPERTS
    ]
    return made[0].id
