"""``/r/{token}``: the monthly report of an account for whoever has a link to it, without a key."""

from html import escape
from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import HTMLResponse, Response

from app.accounts.queries import account_by_id
from app.core.clock import database_now
from app.core.db.session import snapshot
from app.core.state import State, StateDep
from app.core.text.language import Language, choose_language
from app.core.web.http import Router
from app.core.web.kit.deps import LanguageDep
from app.core.web.page import ICON, page, page_policy
from app.notices.outbox.mailings import mail_secret
from app.reports.api.monthly import Shown, for_print, printed, shown
from app.reports.monthly import words
from app.reports.monthly.reading import monthly_report
from app.reports.monthly.schemas import MonthlyReport
from app.reports.monthly.tokens import PATH, opened_by

router = Router(tags=["Reports"], include_in_schema=False)
_TokenPath = Annotated[str, Path(max_length=120)]
_Lang = Annotated[str | None, Query(max_length=40)]


@router.get(f"{PATH}{{token}}", scope=None)
async def show_report(state: StateDep, accepted: LanguageDep, token: _TokenPath, lang: _Lang = None) -> Response:
    """Show the report as a page."""
    found = await _read(state, token, lang)
    if found is None:
        return _unknown(accepted)
    report, language = found
    pdf = None if state.printer.trouble else f"{token}/pdf?lang={language}"
    return shown(Shown(report, language, f"{token}?", pdf))


@router.get(f"{PATH}{{token}}/pdf", scope=None)
async def print_report(state: StateDep, accepted: LanguageDep, token: _TokenPath, lang: _Lang = None) -> Response:
    """Show the report as a PDF."""
    found = await _read(state, token, lang)
    if found is None:
        return _unknown(accepted)
    report, language = found
    return printed(report, await state.printer.pdf(report.account_id, for_print(report, language)))


async def _read(state: State, token: str, lang: str | None) -> tuple[MonthlyReport, Language] | None:
    """The report that the link opens, in its account's language unless another is asked for."""
    async with snapshot(state.sessions) as session:
        now = await database_now(session)
        opened = opened_by(await mail_secret(session), token, now)
        if opened is None:
            return None
        state.limits.count_link(opened.account_id)
        language = choose_language(lang, (await account_by_id(session, opened.account_id)).locale)
        return await monthly_report(session, opened.account_id, opened.month, language, now), language


def _unknown(language: Language) -> Response:
    html = page(words.UNKNOWN.to(language), f"<p>{escape(words.UNKNOWN_WHY.to(language))}</p>", language)
    return HTMLResponse(html, 404, page_policy(html, img=[ICON]) | {"Cache-Control": "no-store"})
