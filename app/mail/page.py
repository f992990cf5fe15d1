"""``/m/{token}``: the reader of a mail ends the mails about its ticket, or asks for them again, without a key.

A GET changes nothing, so no preview of a link mutes anything; the button of its page POSTs. A reader of mail POSTs to
the address itself (``List-Unsubscribe-Post``, RFC 8058).
"""

from functools import partial
from html import escape
from typing import Annotated, Final

from fastapi import Path
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import run
from app.core.state import State, StateDep
from app.core.text.language import Language, choose_language
from app.core.web.http import Router
from app.core.web.kit.deps import LanguageDep
from app.core.web.page import ICON, page, page_policy
from app.mail import texts
from app.mail.muting import Reader, mute, reader_of_token, unmute
from app.notices.links import MUTE_PATH

router = Router(tags=["Tickets"], include_in_schema=False)
_TokenPath = Annotated[str, Path(max_length=100)]
_STYLE: Final = (
    "<style>button{border:2px solid;border-radius:.5rem;background:transparent;color:inherit;font:inherit;"
    "font-weight:600;min-height:3rem;padding:.5rem 1.5rem}</style>"
)
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


@router.get(f"{MUTE_PATH}{{token}}", scope=None)
async def show_mails(state: StateDep, language: LanguageDep, token: _TokenPath) -> HTMLResponse:
    """Show whether the reader gets mails, with the button that changes it."""
    async with state.sessions() as session:
        return _answer(await _reader(session, state, token), token, language)


@router.post(f"{MUTE_PATH}{{token}}", scope=None)
async def mute_at_once(state: StateDep, language: LanguageDep, token: _TokenPath) -> HTMLResponse:
    """End the mails, as a reader of mail does it with one click."""
    return _answer(await run(state.sessions, partial(_set, state=state, token=token, muted=True)), token, language)


@router.post(f"{MUTE_PATH}{{token}}/on", scope=None)
async def unmute_by_link(state: StateDep, language: LanguageDep, token: _TokenPath) -> HTMLResponse:
    """Send mails again, and from now on to the address of a guest: whoever has the link reads its mail."""
    return _answer(await run(state.sessions, partial(_set, state=state, token=token, muted=False)), token, language)


async def _reader(session: AsyncSession, state: State, token: str) -> Reader | None:
    """Whom a link was made for; what comes by it counts for the account."""
    reader = await reader_of_token(session, token)
    if reader:
        state.limits.count_link(reader.account_id)
    return reader


async def _set(session: AsyncSession, *, state: State, token: str, muted: bool) -> Reader | None:
    reader = await _reader(session, state, token)
    if reader is None:
        return None
    return await mute(session, reader) if muted else await unmute(session, reader, confirms=True)


def _answer(reader: Reader | None, token: str, language: Language) -> HTMLResponse:
    """The page in the language of its reader; where the link is not valid, in that of whoever follows it."""
    if reader is None:
        body, status = f"<p>{escape(texts.UNKNOWN_WHY.to(language))}</p>", 404
        shown = page(texts.UNKNOWN.to(language), body, language)
    else:
        language, status = choose_language(reader.locale), 200
        shown = page(texts.TITLE.to(language, number=reader.number), _body(reader, token, language), language)
    policy = page_policy(shown, img=[ICON])
    policy = {name: value.replace("form-action 'none'", "form-action 'self'") for name, value in policy.items()}
    return HTMLResponse(shown, status, policy | _PRIVATE)


def _body(reader: Reader, token: str, language: Language) -> str:
    said, label = (texts.OFF, texts.START) if reader.muted else (texts.ON, texts.STOP)
    path = f"{MUTE_PATH}{token}{'/on' if reader.muted else ''}"
    return (
        f"{_STYLE}<p>{escape(said.to(language))}</p>"
        f'<form method="post" action="{escape(path)}"><button>{escape(label.to(language))}</button></form>'
    )
