"""The end of a dunning: its invoice is settled, in whatever way."""

from billing.dunning.events import DunningEnded
from billing.dunning.models import Outcome
from billing.dunning.ports import Dunnings
from billing.dunning.serving import Serving
from billing.invoices.models import Invoice
from llmo_core.clock import Clock
from llmo_data.ports import Events


class DunningClosing:
    """Ends dunnings in the transactions that settle their invoices, whether or not a state machine still runs."""

    def __init__(self, *, dunnings: Dunnings, serving: Serving, events: Events, clock: Clock) -> None:
        self._dunnings = dunnings
        self._serving = serving
        self._events = events
        self._clock = clock

    async def settled(self, invoice: Invoice) -> None:
        """End what is done about an invoice that was paid, given up, or became void. Safe to repeat."""
        dunning = await self._dunnings.locked(invoice.org_id, invoice.id)
        if dunning is None or dunning.closed_at is not None:
            return
        after = dunning.closed(Outcome(invoice.status.value), self._clock.now())
        await self._dunnings.change(after)
        ended = DunningEnded(invoice_id=invoice.id, number=invoice.number or "", outcome=Outcome(invoice.status.value))
        await self._events.announce(ended, org_id=invoice.org_id, aggregate_id=invoice.id)
        await self._serving.reassess(invoice.org_id)
