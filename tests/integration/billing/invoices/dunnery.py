"""Dunning of invoices that cards of Stripe's stand-in do not pay."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from billing.dunning.models import Dunning, Service
from billing.dunning.plan import DunningPlan
from billing.dunning.showing import DunningService
from billing.dunning.stepping import DunningSteps
from billing.invoices.collecting import CollectingService
from billing.invoices.models import Invoice
from billing.models import Operator
from billing.payments.models import Payment, Purpose, PurposeKind
from llmo_core.ids import new_id
from tests.integration.billing.calling import Caller
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.payments.paying import Paying
from tests.integration.billing.subscribing import offered

PLAN = DunningPlan.parse("1:retry+remind,3:retry+remind,5:retry+restrict,7:retry+suspend")
GOOD, DECLINED, AUTHENTICATES = "4242424242424242", "4000000000000341", "4000002760003184"


class Dunnery:
    """The use cases of dunning, with those of the office and a stand-in for Stripe."""

    def __init__(self, office: Office, paying: Paying, operator: Caller) -> None:
        self.office = office
        self.paying = paying
        self.operator = operator
        database = paying.database
        paying.settlement = office.settlements()
        self.collecting = CollectingService(invoices=office.kept, charging=paying.charges())
        self.steps = DunningSteps(
            dunnings=office.dunnings,
            invoices=office.kept,
            attempts=paying.payments,
            collecting=self.collecting,
            serving=office.serving,
            events=office.events,
            transaction=database.transaction,
            clock=office.clock,
            plan=PLAN,
            day=timedelta(days=1),
        )
        self.service = DunningService(
            dunnings=office.dunnings,
            services=office.services,
            invoices=office.kept,
            operator=Operator(office.catalogue.operator_id),
            transaction=database.transaction,
        )

    async def invoiced(self, customer: Caller, card: str, fee: str = "20") -> Invoice:
        """An invoice of so many dollars, which a card was charged for once."""
        plan = await offered(self.operator, f"plan-{new_id().hex[:8]}", fee)
        await customer.made("subscriptions", plan_id=plan["id"])
        invoice = await self.office.surely_invoiced(customer)
        await self.paying.card(invoice.org_id, card)
        await self.collecting.collect(invoice.org_id, invoice.id)
        return invoice

    async def opened(self, invoice: Invoice) -> Dunning:
        """Its dunning, which begins now."""
        dunning = await self.steps.open(invoice.org_id, invoice.id)
        assert dunning is not None
        return dunning

    async def stepped(self, invoice: Invoice, times: int = 1) -> Dunning:
        """Its dunning, so many steps later."""
        done = await self.opened(invoice)
        for _ in range(times):
            assert done.next_at is not None
            self.office.clock.moment = done.next_at
            done = await self.steps.step(invoice.org_id, invoice.id)
        return done

    async def served(self, invoice: Invoice) -> Service:
        """How well the organization is served."""
        return await self.office.services.find(invoice.org_id)

    async def payments(self, invoice: Invoice) -> Sequence[Payment]:
        """What was tried to collect it, the first attempt first."""
        found = await self.paying.payments.page(invoice.org_id, before=None, limit=50)
        purpose = Purpose(kind=PurposeKind.INVOICE, id=invoice.id)
        return sorted((each for each in found if each.purpose == purpose), key=lambda each: each.attempt)

    async def told(self, org_id: UUID, prefix: str = "llmo.billing.") -> Sequence[str]:
        """What was announced of dunnings and of service, in order."""
        every = [event.type.removeprefix(prefix) for event in await self.office.catalogue.announced(org_id)]
        return [name for name in every if name.startswith(("dunning.", "service."))]
