"""``/v1/tickets/{id}/solutions`` and ``/v1/articles/{id}/solved``: an article solved it."""

from typing import Annotated

from fastapi import Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.api.articles import ArticlePath
from app.articles.api.paths import BY_ID
from app.articles.read.queries import article_by_id, article_document
from app.articles.schemas import Article
from app.core.clock import database_now
from app.core.problems import Conflict
from app.core.web.kit.operations import CallDep, Document, OnceCall, ResourceRouter
from app.core.web.kit.visits import EVERYBODY, FOLLOWERS
from app.solutions import usecases
from app.solutions.schemas import SOLUTION, Deflection, NewSolution, Solutions
from app.tickets.api import examples
from app.tickets.api.kit import TicketPath, act_on_ticket, count_unknown
from app.tickets.schemas import Ticket

router = ResourceRouter("tickets", prefix="/v1", tags=["Articles"])
_EXAMPLE = {"article_id": SOLUTION["article_id"]}


@router.action(
    "/tickets/{ticket_id}/solutions",
    Ticket,
    summary="Solve a ticket by an article",
    example=examples.TICKET,
    problems=[Conflict],
    repeatable=True,
    if_match=True,
    visitors=FOLLOWERS,
)
async def solve_ticket(
    call: OnceCall, ticket_id: TicketPath, command: Annotated[NewSolution, Body(examples=[_EXAMPLE])]
) -> Response:
    """Say which article solved the ticket, which is then linked to it.

    The ticket is resolved: at once when its customer says so, with a public message when support does. Support links
    an article without a message. 409 for an article that is not published.
    """
    return await act_on_ticket(call, usecases.solve_ticket, ticket_id, command)


@router.show("/tickets/{ticket_id}/solutions", Solutions, example={"items": [SOLUTION]}, visitors=FOLLOWERS)
async def list_ticket_solutions(call: CallDep, ticket_id: TicketPath) -> Response:
    """List the articles that solved a ticket."""

    async def find(session: AsyncSession) -> Document:
        return {"items": await usecases.solutions_of(session, call.principal, ticket_id)}

    return await call.read(find)


@router.action(f"/articles{BY_ID}/solved", Article, scope="articles:read", repeatable=True, visitors=EVERYBODY)
async def note_deflection(
    call: CallDep, article_id: ArticlePath, body: Annotated[Deflection | None, Body()] = None
) -> Response:
    """Note a deflection.

    An article has solved what was about to become a ticket. It is counted, once for each person and conversation:
    `solved` of the article grows.
    """
    conversation = body.conversation if body else None

    async def note(session: AsyncSession) -> Document:
        count_unknown(call)
        article = await article_by_id(session, call.principal, article_id)
        now = await database_now(session)
        await usecases.note_deflection(session, call.principal, article, conversation, now=now)
        return await article_document(session, call.principal, article)

    return await call.once(note)
