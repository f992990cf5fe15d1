"""The application: every feature's routes, and the problem handlers."""

from typing import Final

from fastapi import APIRouter, FastAPI

from app import __version__
from app.accounts.api import accounts as accounts_router
from app.accounts.api import keys, people, priorities
from app.articles.api import articles as articles_router
from app.articles.api import public_articles
from app.articles.api.pages import serve_articles
from app.backtests import router as backtests_router
from app.coaching import router as coaching_router
from app.core.process.watch import Watched
from app.core.settings import Settings
from app.core.web import health
from app.core.web.edge.admission import Admission
from app.core.web.edge.middleware import RequestLayer
from app.core.web.http import install
from app.feed import router as feed_router
from app.files import exchange
from app.files import router as files_router
from app.inbound.api import hooks as hooks_router
from app.inbound.api import ingest, mails
from app.inbound.api import maintenance as maintenance_router
from app.mail import bounces
from app.mail import page as mail_page
from app.mail import router as mail_router
from app.openapi import URL, openapi, serve_openapi
from app.pages import serve_pages
from app.plans.api import plans as plans_router
from app.plans.api import programmes
from app.previews import router as previews_router
from app.problems.api import problems as problems_api
from app.records import router as records_router
from app.reports.api import monthly, monthly_pages
from app.reports.api import reports as reports_router
from app.resources import lifespan
from app.rollout import router as rollout_router
from app.roster.api import calendars, contacts, overrides, regions
from app.roster.api import engineers as roster_router
from app.sandbox import router as sandbox_router
from app.search import router as search_router
from app.solutions import router as solutions_router
from app.tickets.api import actions, alerts, calls, escalations, links, notices, watchers
from app.tickets.api import files as ticket_files
from app.tickets.api import tickets as tickets_router
from app.tickets.api.answering import answers
from app.usage import router as usage_router
from app.webhooks.api import deliveries as deliveries_router
from app.webhooks.api import endpoints as webhooks_router
from app.widget.pages import serve_widget

ROUTERS: Final[tuple[APIRouter, ...]] = (
    tickets_router.router,  # the order of the document
    actions.router,
    calls.router,
    escalations.router,
    links.router,
    watchers.router,
    notices.router,
    ticket_files.router,
    files_router.router,
    exchange.router,
    mail_router.router,
    mail_page.router,
    mails.router,
    alerts.router,
    answers.router,
    previews_router.router,
    sandbox_router.router,
    accounts_router.router,
    people.router,
    bounces.router,
    usage_router.router,
    keys.router,
    plans_router.router,
    priorities.router,
    programmes.router,
    rollout_router.router,
    backtests_router.router,
    roster_router.router,
    regions.router,
    overrides.router,
    calendars.router,
    contacts.router,
    articles_router.router,
    public_articles.router,
    solutions_router.router,
    webhooks_router.router,
    deliveries_router.router,
    feed_router.router,
    ingest.router,
    hooks_router.router,
    maintenance_router.router,
    problems_api.router,
    search_router.router,
    coaching_router.router,
    records_router.router,
    reports_router.router,
    monthly.router,
    monthly_pages.router,
    health.router,
)
_FIRST: Final = (tickets_router.router, feed_router.router, ingest.router)
"""What is asked for most: a request is matched with one route after the other, at some microseconds each."""
TAGS: Final = [
    {"name": "Accounts", "description": "Customer organisations, their people and their keys"},
    {"name": "Tickets", "description": "Tickets, their messages, priorities and deadlines"},
    {"name": "Escalations", "description": "Asked for by people, or made by a miss; and their outcome"},
    {"name": "Problems", "description": "What is behind incidents that are alike, found by the service or by support"},
    {"name": "Coaching", "description": "What support tells its engineers about tickets, and that they have read it"},
    {"name": "Search", "description": "One search over all that a caller may see"},
    {"name": "Reports", "description": "What was promised and what was kept, counted from all that happened"},
    {"name": "Explanations", "description": "Why a deadline is due when it is, and what would be"},
    {"name": "Plans", "description": "What a customer is promised: versioned documents, never code"},
    {"name": "Sandbox", "description": "Test accounts, whose clock stands still until it is moved"},
    {"name": "Roster", "description": "Support engineers and their regions: who takes what, and when"},
    {"name": "Hooks", "description": "What monitoring and other automation send in"},
    {"name": "Articles", "description": "The knowledge base: known solutions, found by whoever needs them"},
    {"name": "Webhooks", "description": "Signed events (Standard Webhooks) and their deliveries"},
    {"name": "Events", "description": "The feed: all that happens, to be read page by page or as a stream"},
    {"name": "Operations", "description": "Health, metrics, and what each problem type means"},
]
_DESCRIPTION: Final = """\
Keeps the promises of premium support: SLA clocks that pause and move by rule, escalation on a miss, the P1 call,
and signed webhooks for all that happens. Instants are RFC 3339 UTC, durations ISO 8601 (`PT30M`), errors RFC 9457.
A query parameter that an operation does not have is refused (422, with the nearest name), so that a mistyped filter
does not return everything. What takes no API key (hooks, health, and pages but for programmes) ignores unknown ones.
"""


def create_app(settings: Settings, embedded: Watched | None = None) -> FastAPI:
    """The application; its resources are opened by its lifespan (or put on ``app.state.heliodesk`` by a test).

    ``embedded``: how its embedded PostgreSQL is, where it has one.
    """
    app = FastAPI(
        title="Heliodesk",
        version=__version__,
        summary="Support SLAs as a service",
        description=_DESCRIPTION,
        openapi_tags=TAGS,
        servers=[{"url": "/", "description": "This server"}],
        contact={"name": "Heliodesk"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are `core/metrics` and `core/logging`
        openapi_url=None,  # `serve_openapi` and `serve_pages` answer with it
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.settings, app.state.embedded = settings, embedded
    install(app)
    app.add_middleware(Admission)
    app.add_middleware(RequestLayer, max_body_bytes=settings.max_body_bytes, max_mail_bytes=settings.max_mail_bytes)
    for router in sorted(ROUTERS, key=lambda router: router not in _FIRST):
        app.router.routes.extend(router.routes)  # an included router is matched twice, and slowly
    app.state.documented = [route for router in ROUTERS for route in router.routes]
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    serve_openapi(app)
    serve_pages(app, URL)
    serve_articles(app)
    serve_widget(app)
    return app
