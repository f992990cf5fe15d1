"""``GET /v1/search``: one search over all that its caller may see."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound
from app.core.schemas.shared import Word
from app.core.web.callers import language_of
from app.core.web.kit.operations import AccountScope, CallDep, Document, ResourceRouter
from app.search.answers import Narrowed, answer
from app.search.finding import Asked
from app.search.schemas import Kind, SearchAnswer, Term
from app.search.words import terms
from app.tickets.schemas import Priority, Status

router = ResourceRouter("tickets", prefix="/v1/search", tags=["Search"])


@router.show("", SearchAnswer, scope="tickets:read", problems=[NotFound], summary="Search everything")
async def search_everything(
    call: CallDep,
    account_id: AccountScope,
    q: Annotated[Term, Query(description="Words, a number, a reference or an address; words by their beginnings")],
    type: Annotated[list[Kind] | None, Query(max_length=10, description="One or more")] = None,  # noqa: A002  its name
    status: Annotated[
        list[Status] | None, Query(max_length=10, description="Of tickets, which alone are found")
    ] = None,
    priority: Annotated[list[Priority] | None, Query(max_length=50, description="Likewise")] = None,
    product: Annotated[Word | None, Query(description="Likewise")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response:
    """Search tickets with their messages, articles, problems, accounts and people.

    Exact numbers, references and addresses come first. Where no text has any of the words, they are corrected by
    the words of the newest texts. Each kind is found as far as the key sees it: an account's key
    finds its own tickets, its people, the problems behind its tickets and articles for customers, and nothing that is
    internal. Support finds live tickets of all accounts, or all of the account that is named. What is written is found
    within some seconds.
    """
    asked = Asked(q, terms(q), call.principal, account_id, language_of(call.request.scope))
    narrowed = Narrowed(type or (), status or (), priority or (), product)

    async def find(session: AsyncSession) -> Document:
        return await answer(session, asked, narrowed, limit)

    return await call.read(find)
