"""All tables, for alembic and for tests that need the whole metadata."""

from app.accounts import models as accounts
from app.articles import models as articles
from app.calls import models as calls
from app.coaching import models as coaching
from app.consumers import models as consumers
from app.core.db import models as core
from app.core.db.tables import Base
from app.digests import models as digests
from app.escalations import models as escalations
from app.events import models as events
from app.feed import models as feed
from app.files import models as files
from app.inbound import models as inbound
from app.inbound.mail import models as mails
from app.inbound.maintenance import models as maintenance
from app.notices import models as notices
from app.paging import models as paging
from app.plans import models as plans
from app.problems import models as problems
from app.reports import models as reports
from app.roster import models as roster
from app.search import models as search
from app.sla import models as sla
from app.solutions import models as solutions
from app.tickets import models as tickets
from app.webhooks import models as webhooks

__all__ = [
    "Base",
    "accounts",
    "articles",
    "calls",
    "coaching",
    "consumers",
    "core",
    "digests",
    "escalations",
    "events",
    "feed",
    "files",
    "inbound",
    "mails",
    "maintenance",
    "notices",
    "paging",
    "plans",
    "problems",
    "reports",
    "roster",
    "search",
    "sla",
    "solutions",
    "tickets",
    "webhooks",
]
metadata = Base.metadata
