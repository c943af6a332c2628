"""The ledger over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from billing.callers import CURSOR, Reader
from billing.ledger import wiring
from billing.ledger.repository import PostgresLedger
from billing.ledger.schemas import BookingPage
from llmo_core.http.page_query import Wanted
from llmo_core.paging import Page, entry_before

router = APIRouter(prefix="/api/v1/billing/ledger")

type Ledger = Annotated[PostgresLedger, Depends(wiring.ledger)]


@router.get("", responses=CURSOR)
async def list_bookings(principal: Reader, ledger: Ledger, wanted: Wanted) -> BookingPage:
    """List what was booked of the organization's invoices, payments and credit, the newest first."""
    before = entry_before(wanted.cursor)
    found = await ledger.page(principal.org_id, before=before, limit=wanted.limit + 1)
    return BookingPage.of(Page.of(found, wanted.limit))
