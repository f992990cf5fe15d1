"""``/v1/accounts/{id}/reports``: the monthly report of an account, links to it, and who gets it by e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any, Final, Literal

from fastapi import Body, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import manager
from app.accounts.queries import account_by_id
from app.core.clock import database_now
from app.core.db.session import snapshot
from app.core.problems import Unavailable
from app.core.schemas.shared import Locale
from app.core.text.language import Language, choose_language
from app.core.web.kit.merge_patch import PatchDep, actor_in
from app.core.web.kit.operations import AccountPath, ActorDep, CallDep, Document, ResourceRouter
from app.core.web.page import ICON, page_policy
from app.core.web.replies import reply
from app.core.workers.offload import owner_of
from app.notices.links import site
from app.notices.outbox.mailings import mail_secret
from app.reports.monthly.mailing import report_mails, set_report_mails
from app.reports.monthly.months import Month
from app.reports.monthly.page import page
from app.reports.monthly.reading import monthly_report
from app.reports.monthly.schemas import (
    MonthlyReport,
    MonthName,
    NewReportLink,
    ReportLink,
    ReportMails,
    ReportMailsFields,
    ReportMailsPatch,
)
from app.reports.monthly.tokens import PATH, Opened, report_token

PDF: Final = "application/pdf"
HTML: Final = "text/html"
_FORMS: Final = {"json": "application/json", "html": HTML, "pdf": PDF}
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            HTML: {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"},
            PDF: {"schema": {"type": "string", "contentMediaType": PDF}, "example": "%PDF-1.4"},
        }
    }
}
_PATCH: Final[dict[str, Any]] = {"recipients": [{"name": "Ana Silva", "email": "ana@example.com"}]}
router = ResourceRouter("reports", prefix="/v1/accounts/{account_id}", tags=["Reports"])
MonthPath = Annotated[MonthName, Path(description="Like `2026-11`: from midnight to midnight where the account is")]


@router.show(
    "/reports/{month}", MonthlyReport, problems=[Unavailable], responses=_ANSWERS, summary="Get a monthly report"
)
async def get_monthly_report(
    call: CallDep,
    account_id: AccountPath,
    month: MonthPath,
    lang: Annotated[Locale | None, Query(description="The language; default: the account's")] = None,
    format: Annotated[  # noqa: A002  its name
        Literal["json", "html", "pdf"] | None, Query(description="Default: what `Accept` prefers")
    ] = None,
) -> Response:
    """Get what an account was promised in a month, and what was kept.

    JSON, or a page that prints well, with charts, in the account's language; or that as a PDF. It is the same report
    for whoever reads it, without what concerns support alone. A PDF is a 503 where the server has no Chromium.
    """

    async def read(session: AsyncSession) -> tuple[MonthlyReport, Language]:
        account = await account_by_id(session, account_id)
        language = choose_language(lang, account.locale)
        now = await database_now(session)
        return await monthly_report(session, account_id, Month.named(month), language, now), language

    async with snapshot(call.state.sessions) as session:
        report, language = await read(session)
    form = format or _preferred(call.request)
    if form == "json":
        answer = reply(report.model_dump(mode="json"), request=call.request)
    elif form == "html":
        answer = shown(Shown(report, language, f"{month}?format=html&"))
    else:
        answer = printed(report, await call.state.printer.pdf(owner_of(call.principal), for_print(report, language)))
    answer.headers["Vary"] = ", ".join(filter(None, (answer.headers.get("Vary"), "Accept")))
    answer.headers["Content-Language"] = language
    return answer


@router.create("/reports/{month}/links", ReportLink, scope="reports:read", summary="Create a link to a monthly report")
async def create_monthly_report_link(
    call: CallDep,
    account_id: AccountPath,
    month: MonthPath,
    body: Annotated[NewReportLink, Body(default_factory=NewReportLink)],
) -> Response:
    """A link that opens the report for everybody who has it, until it expires. It cannot be revoked."""

    async def sign(session: AsyncSession) -> Document:
        await account_by_id(session, account_id)
        opened = Opened(account_id, Month.named(month), await database_now(session) + body.expires_in)
        path, base = f"{PATH}{report_token(await mail_secret(session), opened)}", site(call.state.settings)
        return {"path": path, "url": f"{base}{path}" if base else None, "expires_at": opened.expires_at}

    return await call.once(sign)


@router.show("/report-mails", ReportMails, summary="Get the recipients of monthly reports")
async def get_report_mails(call: CallDep, account_id: AccountPath, actor: ActorDep) -> Response:
    """Get who is sent the account's report each month. For admins and the account's owners."""

    async def get(session: AsyncSession) -> Document:
        await manager(session, call.principal, account_id, actor)
        return await report_mails(session, account_id)

    return await call.write(get)


@router.update(
    "/report-mails", ReportMails, ReportMailsPatch, _PATCH, summary="Update the recipients of monthly reports"
)
async def update_report_mails(call: CallDep, account_id: AccountPath, patch: PatchDep) -> Response:
    """Say who is sent the account's report each month; nobody, unless it is said. For admins and the account's owners.

    The report of a month is sent in the morning of the first day after it, where the account is, beginning with the
    month in which the first recipient is named.
    """
    actor = actor_in(patch)
    changes = {name: value for name, value in patch.items() if name != "actor"}

    async def change(session: AsyncSession) -> Document:
        await manager(session, call.principal, account_id, actor)
        known = await report_mails(session, account_id)
        before = {"recipients": known["recipients"]}
        fields = call.patched(changes, ReportMailsFields, before, known["version"])
        return await set_report_mails(session, account_id, fields, now=await database_now(session))

    return await call.write(change)


@dataclass(frozen=True, slots=True)
class Shown:
    """A report as a page."""

    report: MonthlyReport
    language: Language
    address: str
    """what the addresses of the page in other languages begin with, up to ``lang=``"""
    pdf: str | None = None


def shown(what: Shown) -> Response:
    """The page."""
    html = page(what.report, what.language, lambda language: f"{what.address}lang={language}", what.pdf)
    return HTMLResponse(html, headers=_PRIVATE | page_policy(html, img=[ICON]) | {"Content-Language": what.language})


def printed(report: MonthlyReport, pdf: bytes) -> Response:
    """The PDF."""
    headers = _PRIVATE | {"Content-Disposition": f'inline; filename="report-{report.month}.pdf"'}
    return Response(pdf, media_type=PDF, headers=headers)


def for_print(report: MonthlyReport, language: Language) -> str:
    """The page as it is printed, which has its policy in itself."""
    html = page(report, language, lambda _language: "")
    policy = escape(page_policy(html, img=[ICON])["Content-Security-Policy"])
    return html.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{policy}">', 1)


def _preferred(request: Request) -> str:
    """The form that ``Accept`` names first; JSON where it names none."""
    asked: Sequence[str] = [each.partition(";")[0].strip() for each in request.headers.get("accept", "").split(",")]
    return next((name for media_type in asked for name, own in _FORMS.items() if own == media_type.lower()), "json")
