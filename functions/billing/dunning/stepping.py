"""What is done about an invoice that could not be collected, step by step."""

from datetime import datetime, timedelta
from uuid import UUID

from billing.dunning.events import DunningReminded, DunningStarted
from billing.dunning.models import Dunning, UnknownDunning
from billing.dunning.plan import Action, DunningPlan
from billing.dunning.ports import Attempts, Collecting, Dunnings, Invoices
from billing.dunning.serving import Serving
from billing.invoices.models import Invoice, InvoiceStatus, UnknownInvoice
from billing.payments.models import Purpose, PurposeKind
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction


class DunningSteps:
    """Begins dunnings and does their steps. Everything is safe to repeat, and to run twice at once.

    Args:
        day: How long a day is: a day, or a few seconds where a whole dunning is to be seen.
    """

    def __init__(
        self,
        *,
        dunnings: Dunnings,
        invoices: Invoices,
        attempts: Attempts,
        collecting: Collecting,
        serving: Serving,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        plan: DunningPlan,
        day: timedelta,
    ) -> None:
        self._dunnings = dunnings
        self._invoices = invoices
        self._attempts = attempts
        self._collecting = collecting
        self._serving = serving
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._plan = plan
        self._day = day

    async def open(self, org_id: UUID, invoice_id: UUID) -> Dunning | None:
        """Begin to do something about an invoice; the dunning as it is then, None where nothing is owed any more.

        Raises UnknownInvoice.
        """
        async with self._transaction(org_id):
            invoice = await self._invoices.locked(org_id, invoice_id)  # nobody settles it meanwhile
            if invoice is None or invoice.number is None:
                raise UnknownInvoice
            if invoice.status is InvoiceStatus.FINALIZED and invoice.remaining:
                await self._begin(invoice)
        return await self._dunnings.find(org_id, invoice_id)

    async def step(self, org_id: UUID, invoice_id: UUID) -> Dunning:
        """Do the next step if it is due; the dunning as it is then.

        The payment method is charged once for each step at most: the payment's row and the note that the step made it
        are one commit, after which Stripe is asked. What succeeds closes the dunning before anything worse is done.
        Raises UnknownDunning, and what collecting raises.
        """
        async with self._transaction(org_id):
            dunning = await self._locked(org_id, invoice_id)
            if dunning.due(self._clock.now()) and dunning.wants_retry:
                await self._dunnings.change(dunning.retrying())
                await self._retry(dunning)
        async with self._transaction(org_id):
            dunning = await self._locked(org_id, invoice_id)
            now = self._clock.now()
            return await self._stepped(dunning, now) if dunning.due(now) else dunning

    async def _begin(self, invoice: Invoice) -> None:
        dunning = Dunning.opened(invoice.org_id, invoice.id, self._plan, now=self._clock.now(), day=self._day)
        if await self._dunnings.add(dunning):
            started = DunningStarted(**_shown(invoice), next_step_at=dunning.next_at)
            await self._events.announce(started, org_id=invoice.org_id, aggregate_id=invoice.id)

    async def _retry(self, dunning: Dunning) -> None:
        """Charge again, unless a payment is under way: the customer has to authenticate it, or Stripe to answer."""
        purpose = Purpose(kind=PurposeKind.INVOICE, id=dunning.invoice_id)
        last = await self._attempts.newest_for(dunning.org_id, purpose)
        if last is None or last.status.final:
            await self._collecting.collect(dunning.org_id, dunning.invoice_id)

    async def _stepped(self, dunning: Dunning, now: datetime) -> Dunning:
        after = dunning.stepped(now, self._day)
        await self._dunnings.change(after)
        if dunning.coming is not None and Action.REMIND in dunning.coming.actions:
            invoice = await self._invoices.find(dunning.org_id, dunning.invoice_id)
            if invoice is None:
                raise UnknownInvoice
            reminded = DunningReminded(
                **_shown(invoice),
                step=after.step,
                steps=len(after.steps),
                standing=after.standing,
                next_step_at=after.next_at,
            )
            await self._events.announce(reminded, org_id=dunning.org_id, aggregate_id=dunning.invoice_id)
        await self._serving.reassess(dunning.org_id)
        return after

    async def _locked(self, org_id: UUID, invoice_id: UUID) -> Dunning:
        found = await self._dunnings.locked(org_id, invoice_id)
        if found is None:
            raise UnknownDunning
        return found


def _shown(invoice: Invoice) -> dict[str, object]:
    return {
        "invoice_id": invoice.id,
        "number": invoice.number,
        "currency": invoice.currency,
        "amount_remaining": invoice.remaining,
    }
