"""``/v1/accounts/{id}/usage``: what an account has used of its quotas."""

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.web.kit.operations import AccountPath, CallDep, Document, ResourceRouter
from app.usage.counting import usage_document
from app.usage.schemas import Usage

router = ResourceRouter("accounts", prefix="/v1/accounts/{account_id}/usage", tags=["Accounts"])


@router.show("", Usage)
async def get_usage(call: CallDep, account_id: AccountPath) -> Response:
    """Get an account's usage of its quotas.

    For the account's own keys and for support. Quotas of each engineer or calendar show the one that has most. Streams
    and rates are those of the process that answers.
    """

    async def get(session: AsyncSession) -> Document:
        await account_by_id(session, account_id)
        return await usage_document(session, call.state, account_id)

    return await call.read(get)
