"""The invoice run: every subscription of which something is due gets its invoice."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from billing.invoices.drafting import DraftingService
from billing.invoices.finalizing import FinalizingService
from billing.invoices.models import Invoice
from billing.invoices.ports import Billable, Schedule
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError
from llmo_core.observability import logger

_AT_ONCE = 100
_LEFT_AFTER = timedelta(minutes=15)  # longer than any run takes


class InvoiceRun:
    """Drafts and finalizes what is due, of all organizations."""

    def __init__(
        self, *, schedule: Schedule, drafting: DraftingService, finalizing: FinalizingService, clock: Clock
    ) -> None:
        self._schedule = schedule
        self._drafting = drafting
        self._finalizing = finalizing
        self._clock = clock

    async def due(self, *, limit: int) -> list[Billable]:
        """Subscriptions that may have something to be invoiced now."""
        return list(await self._schedule.due(now=self._clock.now(), besides=(), limit=limit))

    async def invoice(self, billable: Billable) -> Invoice | None:
        """Invoice what is due of a subscription; None where that is nothing. Safe to repeat."""
        draft = await self._drafting.draft(billable.org_id, billable.subscription_id)
        return await self._finalizing.finalize(billable.org_id, draft.id) if draft is not None else None

    async def run(self) -> Mapping[str, int]:
        """Invoice everything that is due; how many subscriptions were `invoiced`, had `nothing` due, and `failed`.

        One that fails is logged, and looked at again in the next run.
        """
        done: Counter[str] = Counter(invoiced=0, nothing=0, failed=0)
        failed: set[UUID] = set()
        while due := await self._schedule.due(now=self._clock.now(), besides=failed, limit=_AT_ONCE):
            for billable in due:
                try:
                    invoice = await self.invoice(billable)
                except LlmoError as error:
                    failed.add(billable.subscription_id)
                    told = {"subscription_id": str(billable.subscription_id), "reason": error.code}
                    logger().error("a subscription could not be invoiced", extra=told)
                else:
                    done["invoiced" if invoice is not None else "nothing"] += 1
        done["failed"] = len(failed)
        await self.finish()
        return dict(done)

    async def finish(self) -> None:
        """Finalize drafts whose run ended before it could; one that fails is logged, and stays. Safe to repeat."""
        before = self._clock.now() - _LEFT_AFTER
        for org_id, invoice_id in await self._schedule.left_drafts(before=before, limit=_AT_ONCE):
            try:
                await self._finalizing.finalize(org_id, invoice_id)
            except LlmoError as error:
                told = {"invoice_id": str(invoice_id), "reason": error.code}
                logger().error("a draft could not be finalized", extra=told)
