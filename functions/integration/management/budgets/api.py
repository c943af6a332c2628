"""Budgets over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from integration.management import wiring as shared
from integration.management.budgets import wiring
from integration.management.budgets.schemas import BudgetOut, BudgetPage, ChangeBudget, CreateBudget, SpendingPage
from integration.management.budgets.service import BudgetService
from llmo_auth.guard import Allowed
from llmo_auth.idempotent_route import idempotent
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals
from llmo_core.http.etags import TAGGED, Expected, tag
from llmo_core.http.page_query import Wanted
from llmo_core.paging import entry_before, position_of

router = APIRouter(prefix="/api/v1/budgets", route_class=idempotent(shared.repeated_requests))

type Budgets = Annotated[BudgetService, Depends(wiring.budget_service)]
type Reader = Annotated[Principal, Depends(Allowed(Permission.BUDGETS_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.BUDGETS_WRITE))]

_UNKNOWN = refusals(status_404="The organization has no budget with this id.")
_CURSOR = refusals(status_400="The cursor is not one of this API's.")


@router.get("", responses=_CURSOR)
async def list_budgets(principal: Reader, service: Budgets, wanted: Wanted) -> BudgetPage:
    """List the organization's budgets, the newest first, and what is spent of them."""
    return BudgetPage.of(await service.page(principal, before=entry_before(wanted.cursor), limit=wanted.limit))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.CREATED: {**TAGGED}} | refusals(status_409="The request is under way."),
)
async def create_budget(body: CreateBudget, principal: Writer, service: Budgets, response: Response) -> BudgetOut:
    """Set the most that may be spent in a window. Calls are counted from the next one on."""
    standing = await service.create(principal, body.wanted())
    tag(response, standing.budget.version)
    return BudgetOut.of(standing)


@router.get("/{budget_id}", responses={HTTPStatus.OK: {**TAGGED}} | _UNKNOWN)
async def read_budget(budget_id: UUID, principal: Reader, service: Budgets, response: Response) -> BudgetOut:
    """Show a budget, and what is spent of it."""
    standing = await service.find(principal, budget_id)
    tag(response, standing.budget.version)
    return BudgetOut.of(standing)


@router.patch(
    "/{budget_id}",
    responses={HTTPStatus.OK: {**TAGGED}}
    | _UNKNOWN
    | refusals(status_412="The budget has another version than `If-Match` says."),
)
async def change_budget(
    budget_id: UUID, body: ChangeBudget, principal: Writer, service: Budgets, response: Response, expected: Expected
) -> BudgetOut:
    """Change a budget. What was spent stays spent; the gateway goes by the new limit from the next call on."""
    standing = await service.change(principal, budget_id, body.wanted(), expected=expected)
    tag(response, standing.budget.version)
    return BudgetOut.of(standing)


@router.delete("/{budget_id}", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
async def remove_budget(budget_id: UUID, principal: Writer, service: Budgets) -> Response:
    """Remove a budget: it refuses nothing from the next call on."""
    await service.remove(principal, budget_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{budget_id}/spending", responses=_UNKNOWN | _CURSOR)
async def list_spending(budget_id: UUID, principal: Reader, service: Budgets, wanted: Wanted) -> SpendingPage:
    """List whom the budget counts, with what they spent in the present window, those first who spent the most.

    A subject is listed once a call of its has ended.
    """
    spending = await service.spending(principal, budget_id, first=position_of(wanted.cursor), limit=wanted.limit)
    return SpendingPage.of(spending)
