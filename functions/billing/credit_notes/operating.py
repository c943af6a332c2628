"""What the operator does with the credit notes of others."""

from uuid import UUID

from billing.credit_notes.issuing import Computed, IssuingService
from billing.credit_notes.models import CreditNote, NoteWanted
from billing.models import Operator
from llmo_auth.principal import Principal


class NoteOperations:
    """Issues credit notes of any organization. Everything raises NotTheOperator, and what IssuingService does."""

    def __init__(self, *, issuing: IssuingService, operator: Operator) -> None:
        self._issuing = issuing
        self._operator = operator

    async def preview(self, principal: Principal, org_id: UUID, invoice_id: UUID, wanted: NoteWanted) -> Computed:
        """What a note would say now. Nothing is kept."""
        self._operator.require(principal)
        return await self._issuing.preview(org_id, invoice_id, wanted)

    async def issue(
        self, principal: Principal, org_id: UUID, invoice_id: UUID, wanted: NoteWanted, *, request_key: str | None
    ) -> CreditNote:
        """Credit something of a finalized invoice, for good."""
        self._operator.require(principal)
        return await self._issuing.issue(
            org_id, invoice_id, wanted, created_by=principal.actor_id, request_key=request_key
        )
