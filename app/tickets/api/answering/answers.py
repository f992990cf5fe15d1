"""``/a/{token}``: an engineer accepts or declines an alert by the link in a message, without a key.

A GET changes nothing, so no preview of a link answers anything; the buttons of its page POST.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Path
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.session import driver, memory_of, run, snapshot
from app.core.db.tables import Row
from app.core.problems import Conflict, Forbidden, NotFound
from app.core.state import StateDep
from app.core.text.language import Language
from app.core.text.phrases import time_in
from app.core.web.http import Router
from app.core.web.kit.deps import LanguageDep
from app.core.zones import load_zone
from app.notices.content.texts import language_of
from app.notices.links import PATH, find_link
from app.plans import store
from app.plans.document.model import PlanDocument
from app.plans.document.priorities import label_of
from app.roster.models import ExpertAlertRow
from app.tickets.api.answering.page import HEADERS, Said, Shown, page
from app.tickets.schemas import AlertRefusal
from app.tickets.usecases import answer_alert
from app.tickets.usecases.caller import Caller

router = Router(tags=["Roster"], include_in_schema=False)
_TokenPath = Annotated[str, Path(max_length=100)]
_FOUND: Final = """
SELECT a.id, a.engineer_id, a.state, a.accept_by, a.accept_by <= clock_timestamp() AS late,
       t.number, t.title, t.priority, t.plan_key, t.plan_version,
       g.name AS engineer, g.display_name, g.active, g.time_zone,
       (SELECT string_agg(language, ',') FROM jsonb_array_elements_text(g.languages) AS language) AS languages,
       (SELECT e.actor ->> 'name' FROM events AS e
        WHERE e.account_id = a.account_id AND e.ticket_id = a.ticket_id AND e.data ->> 'alert_id' = a.id
            AND e.type IN ('expert.accepted', 'expert.declined') LIMIT 1) AS answered_by,
       (SELECT n.name FROM engineers AS n
        WHERE n.id = t.routing ->> 'engineer_id' AND t.routing ->> 'state' = 'alerted') AS asked
FROM alerts AS a
JOIN tickets AS t ON t.account_id = a.account_id AND t.id = a.ticket_id
JOIN engineers AS g ON g.id = a.engineer_id
WHERE a.account_id = $1 AND a.id = $2
"""


@dataclass(frozen=True, slots=True)
class _Link:
    """What a link leads to."""

    alert: Row
    shown: Shown


@router.get(f"{PATH}{{token}}", scope=None)
async def show_alert(state: StateDep, language: LanguageDep, token: _TokenPath) -> HTMLResponse:
    """Show an alert to its engineer, with the two buttons that answer it."""
    async with snapshot(state.sessions) as session:
        link = await _find(session, token)
    return _answer(link.shown if link else None, token, language)


@router.post(f"{PATH}{{token}}/accept", scope=None)
async def accept_by_link(state: StateDep, language: LanguageDep, token: _TokenPath) -> HTMLResponse:
    """The engineer takes the ticket."""
    accept = partial(_decide, token=token, by=answer_alert.accept, said="accepted")
    return _answer(await run(state.sessions, accept), token, language)


@router.post(f"{PATH}{{token}}/decline", scope=None)
async def decline_by_link(state: StateDep, language: LanguageDep, token: _TokenPath) -> HTMLResponse:
    """The engineer does not take the ticket: the next one is asked."""
    decline = partial(_decide, token=token, by=answer_alert.decline, said="declined")
    return _answer(await run(state.sessions, decline), token, language)


async def _decide(
    session: AsyncSession,
    *,
    token: str,
    by: Callable[[AsyncSession, Caller, str, Any], Awaitable[ExpertAlertRow]],
    said: Said,
) -> Shown | None:
    """Answer the alert, by the use case of the API; what the page says then. None for a link that is not valid."""
    link = await _find(session, token)
    if link is None or link.shown.said != "asked":
        return link.shown if link else None
    alert = link.alert
    who = {"engineer_id": alert["engineer_id"], "name": alert["engineer"], "display_name": alert["display_name"]}
    engineer = Principal("agent", "link", **who)
    try:
        await by(session, Caller(engineer, lambda _: None), alert["id"], AlertRefusal(reason=str(answer_alert.BY_LINK)))
    except (Conflict, Forbidden, NotFound):
        again = await _find(session, token)
        return again.shown if again else None
    after = await _find(session, token)
    name = (after.alert["asked"] or "") if after else ""
    return replace(link.shown, said=said, name=name)


async def _find(session: AsyncSession, token: str) -> _Link | None:
    whose = await find_link(session, token)
    if whose is None:
        return None
    alert = await (await driver(session)).fetchrow(_FOUND, whose.account_id, whose.alert_id)
    if alert is None or alert["engineer_id"] != whose.engineer_id or not alert["active"]:
        return None
    plan = await store.document(session, memory_of(session), alert["plan_key"], alert["plan_version"])
    return _Link(alert, _shown(alert, plan))


def _shown(alert: Row, plan: PlanDocument) -> Shown:
    language = language_of({"locale": alert["languages"]})
    said: Said = "expired" if alert["late"] else "asked"
    if alert["state"] != "alerted":
        said = _OVER[alert["state"]]
    over = Shown(said, language, alert["number"], name=alert["answered_by"] or alert["engineer"])
    if said != "asked":
        return over
    return replace(
        over,
        title=alert["title"],
        priority=label_of(plan, alert["priority"], language),
        until=time_in(alert["accept_by"], load_zone(alert["time_zone"]), language),
    )


_OVER: Final[dict[str, Said]] = {
    "accepted": "accepted_by",
    "declined": "declined_by",
    "expired": "expired",
    "cancelled": "cancelled",
}


def _answer(shown: Shown | None, token: str, language: Language) -> HTMLResponse:
    """The page, in the engineer's language; where the link leads to nobody, in that of whoever follows it."""
    if shown is None:
        return HTMLResponse(page(Shown("unknown", language)), 404, HEADERS)
    return HTMLResponse(page(shown, token), 200, HEADERS)
