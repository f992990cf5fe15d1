"""Which part of the roster something belongs to: the live one, or that of one sandbox account."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.problems import Fault, Invalid, NotFound
from app.core.text.messages import Message, _


async def check_owner(session: AsyncSession, account_id: str | None, refused: Message) -> None:
    """422 for an account that is not a sandbox: live ones are served by the whole roster, as ``refused`` says."""
    if account_id is None:
        return
    try:
        account = await account_by_id(session, account_id)
    except NotFound as error:
        raise _fault(_("There is no such account")) from error
    if account.sandbox_now is None:
        raise _fault(refused)


def _fault(detail: Message) -> Invalid:
    return Invalid(errors=[Fault(pointer="/account_id", detail=detail)])
