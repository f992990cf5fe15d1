"""``/v1/accounts/{id}/usage``: what an account has used of its quotas."""

from fastapi import Response

from app.accounts.queries import account_by_id
from app.core.problems import NotFound
from app.core.state import StateDep
from app.core.web.deps import PrincipalDep, require_account
from app.core.web.http import Router, reply, responses
from app.usage.counting import usage_document
from app.usage.schemas import Usage

router = Router(prefix="/v1/accounts/{account_id}/usage", tags=["Accounts"])


@router.get("", scope="accounts:read", response_model=Usage, responses=responses(NotFound))
async def get_usage(state: StateDep, principal: PrincipalDep, account_id: str) -> Response:
    """Get what an account has used of its quotas.

    For the account's own keys and for support. Quotas of each engineer or calendar show the one that has most. Streams
    and rates are those of the process that answers.
    """
    require_account(principal, account_id)
    async with state.sessions() as session:
        await account_by_id(session, account_id)
        usage = await usage_document(session, state, account_id)
    return reply(usage)
